"""Claims about refreshing what is tracked, in a process that may end in the middle of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cache.catalogue import CONFLUENCE, EXCHANGE_STATUS, FUNDING, MARKETS, UNIVERSE
from market.errors import BadAnswer
from market.model import Instrument
from settings import Settings
from tasks import alerts, batches, fetch, plain, status, wire
from tasks.wire import House
from tests.support.dashboards import NOW, MovableClock, memory_cache

if TYPE_CHECKING:
    from collections.abc import Iterator

BTC = "BTC/USDT"
PLAN = fetch.plan
INSTRUMENTS = (Instrument("okx", BTC, "BTC", "USDT", "spot", 2.0),)


def market(id_: str) -> dict[str, Any]:
    """What an exchange trades as BTC/USDT, under its own name for it."""
    return {"id": id_, "symbol": BTC, "type": "spot"}


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A house over memory alone whose exchange has begun to trade something else as BTC/USDT."""
    okx = SimpleNamespace(
        id="okx",
        spent=float,
        universe=lambda _limit, _known, **_: INSTRUMENTS,
        timeframes=list,
        inputs=lambda: ("candles",),
        markets_as_of=lambda: NOW,
        plain_markets=lambda: [market("new")],
        calls_within=lambda _seconds: 600,
    )
    clock = MovableClock()
    cache = memory_cache(clock)
    made = House(settings=Settings(), cache=cache, clock=clock, exchange=lambda _: okx)  # type: ignore[arg-type,return-value]
    cache.put(MARKETS.key(exchange="okx"), {"markets": [market("old")]}, as_of=NOW - 1)
    cache.put(UNIVERSE.key(exchange="okx"), plain.universe(INSTRUMENTS, ("1m",), ("candles",)))
    monkeypatch.setattr(wire, "house", lambda: made)
    for module in (batches, fetch):
        monkeypatch.setattr(module, "request_publish", lambda _cache: None)
    monkeypatch.setattr(fetch, "plan", SimpleNamespace(apply_async=lambda *_, **__: None))
    yield made
    cache.close()


@pytest.mark.usefixtures("house")
def test_a_process_that_ends_before_it_has_forgotten_leaves_that_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else the new market's candles would be joined to those of the old one."""
    forgotten: list[list[str]] = []

    def killed(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(fetch, "forget", killed)
    with pytest.raises(SystemExit):
        fetch.universe.run("okx")

    monkeypatch.setattr(fetch, "forget", lambda _house, _exchange, symbols: forgotten.append(symbols))
    fetch.universe.run("okx")
    fetch.universe.run("okx")

    assert forgotten == [[BTC], []]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """For which exchanges a plan asks for the funding rates; it sends out nothing else."""
    asked: list[Any] = []
    monkeypatch.setattr(fetch, "funding", SimpleNamespace(apply_async=lambda args, **_: asked.append(args)))
    monkeypatch.setattr(fetch.due, "send_due", lambda *_: None)
    return asked


def test_doubted_funding_rates_are_asked_for_before_their_period_and_once(
    house: House, sent: list[Any]
) -> None:
    """They were expired, or their tier lost; their own period may be a minute away."""
    key = FUNDING.key(exchange="okx")

    house.cache.put(key, {"funding": {}})
    PLAN.run("okx")
    assert sent == []

    house.cache.expire(key)
    PLAN.run("okx")
    PLAN.run("okx")
    assert sent == [("okx",)]


def test_funding_rates_that_failed_are_asked_for_again_before_their_period(
    house: House, sent: list[Any]
) -> None:
    """Else the exchange would be said to be in trouble for a minute after it was well again."""
    key = EXCHANGE_STATUS.key(exchange="okx", source="funding")

    house.cache.put(key, status.after_success(None, 10.0))
    PLAN.run("okx")
    assert sent == []

    house.cache.put(key, status.after_failure(None, BadAnswer("okx", "HTML"), 20.0))
    PLAN.run("okx")
    assert sent == [("okx",)]


def test_a_symbol_that_is_tracked_again_starts_anew_and_so_does_one_that_left(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first before anybody can look at it, the other once nothing of it is cached any more."""
    forgotten: list[tuple[list[str], bool, bool]] = []
    key = UNIVERSE.key(exchange="okx")
    others = [Instrument("okx", "ETH/USDT", "ETH", "USDT", "spot", 2.0)]
    house.cache.put(key, plain.universe(others, ("1m",), ("candles",)))
    score = CONFLUENCE.key(exchange="okx", symbol="ETH/USDT")
    house.cache.put(score, {})

    def noted(_house: House, _exchange: str, symbols: Any) -> None:
        entry = house.cache.get(key)
        assert entry is not None
        is_tracked = BTC in plain.symbols_of(entry.value)
        forgotten.append((sorted(symbols), is_tracked, house.cache.get(score) is not None))

    monkeypatch.setattr(alerts, "forget", noted)
    fetch.universe.run("okx")

    assert forgotten == [([BTC], False, True), (["ETH/USDT"], True, False)]
