"""One process's tasks over a real cache, a real broker and the real simulated exchange."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import kombu.pools
import pytest
import redis

from tasks import alerts, app, wire
from tasks.setbacks import SETBACKS
from tests.support import servers
from tests.support.alert_desks import BITCOIN, ETHER, Desk
from tests.support.simulator import running_simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SYMBOLS = 4
_prefixes = count()


@dataclass(frozen=True, slots=True)
class Workshop:
    """What the tasks work with, and a look into the broker's queues."""

    house: wire.House
    simulator: Any
    broker: redis.Redis
    shared: redis.Redis

    def queued(self, queue: str) -> list[tuple[str, list[Any]]]:
        """Name and arguments of the messages that wait in a queue, oldest first."""
        messages = [json.loads(raw) for raw in self.broker.lrange(queue, 0, -1)]
        return [
            (message["headers"]["task"], json.loads(base64.b64decode(message["body"]))[0])
            for message in reversed(messages)
        ]

    def forget_messages(self) -> None:
        """Empty the broker, and let everything be asked for again at once."""
        self.broker.flushdb()
        for claim in self.shared.scan_iter("*:claim:*"):
            self.shared.delete(claim)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Any]:
    """A small synthetic market that limits nobody."""
    with running_simulator(symbols=SYMBOLS, arguments=("--limit", "0")) as running:
        yield running


@pytest.fixture
def workshop(simulator: Any, redis_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    """A fresh cache and broker for each test; the exchange is healed before it."""
    # These tests are about answers: a machine that is busy for a moment shall not change them.
    monkeypatch.setattr("cache.tiers.redis.BUDGET_S", 0.5)
    simulator.clear_faults()
    SETBACKS.clear()
    monkeypatch.setenv("REDIS_URL", f"{redis_server.url}/0")
    monkeypatch.setenv("SIMULATOR_PORT", str(simulator.port))
    monkeypatch.setenv("SYMBOL_LIMIT", str(SYMBOLS))
    monkeypatch.setenv("EXCHANGE_TIMEOUT", "20")
    monkeypatch.setitem(app.conf, "broker_url", f"{redis_server.url}/1")
    monkeypatch.setitem(app.conf, "broker_write_url", f"{redis_server.url}/1")
    _forget_connections()
    wire.close()
    with (
        redis.Redis.from_url(f"{redis_server.url}/1") as broker,
        redis.Redis.from_url(f"{redis_server.url}/0") as shared,
    ):
        yield Workshop(wire.house(), simulator, broker, shared)
    wire.close()
    _forget_connections()


def _forget_connections() -> None:
    """Close the pools that belong to another test's broker."""
    kombu.pools.reset()
    app._pool = None
    app.amqp._producer_pool = None


@pytest.fixture(scope="module")
def desk_server() -> Iterator[Any]:
    """A Redis for the tests that leave it whole."""
    with servers.redis_server() as server:
        yield server


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Who asked for a new dashboard."""
    asked: list[Any] = []
    monkeypatch.setattr(alerts, "request_publish", asked.append)
    return asked


@pytest.fixture
def make_desk(
    desk_server: Any,
    published: list[Any],  # noqa: ARG001 - nobody publishes in these tests
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., Desk]]:
    """Makes processes that share a deployment of this test's own."""
    monkeypatch.setattr("cache.tiers.redis.BUDGET_S", 0.5)
    made: list[Desk] = []

    def desk(server: Any = desk_server, **options: Any) -> Desk:
        monkeypatch.setenv("REDIS_URL", f"{server.url}/0")
        monkeypatch.setenv("SHARED_CACHE_PREFIX", prefix)
        made.append(Desk(**options))
        return made[-1]

    prefix = f"alerts{next(_prefixes)}"
    yield desk
    for one in made:
        one.cache.close()


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """One process, two symbols, nothing going on."""
    one = make_desk()
    one.list_symbols(BITCOIN, ETHER)
    one.score({BITCOIN: 50.0, ETHER: 50.0})
    one.price(BITCOIN, ETHER)
    one.evaluate()
    return one
