"""One process's tasks over a real cache, a real broker and the real simulated exchange."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import kombu.pools
import pytest
import redis

from tasks import app, wire
from tasks.setbacks import SETBACKS
from tests.support.simulator import running_simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

SYMBOLS = 4


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
    simulator.clear_faults()
    SETBACKS.clear()
    monkeypatch.setenv("REDIS_URL", f"{redis_server.url}/0")
    monkeypatch.setenv("SIMULATOR_PORT", str(simulator.port))
    monkeypatch.setenv("SYMBOL_LIMIT", str(SYMBOLS))
    monkeypatch.setenv("EXCHANGE_TIMEOUT", "2")
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
