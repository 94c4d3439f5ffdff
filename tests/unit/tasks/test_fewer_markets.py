"""Claims about a list that lost most of its markets: refused at first, and believed in the end."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cache.catalogue import EXCHANGE_STATUS, UNIVERSE
from market.errors import FewerMarkets
from market.model import Instrument
from settings import Settings
from tasks import batches, fetch, plain, wire
from tasks.fewer_markets import CONFIRMED_FOR_S, CONFIRMED_TIMES, believed
from tasks.wire import House
from tests.support.dashboards import MovableClock, memory_cache

if TYPE_CHECKING:
    from collections.abc import Iterator

WHOLE, SHORT = ("BTC/USDT", "ETH/USDT", "SOL/USDT"), ("BTC/USDT",)


class Exchange:
    """One that lists fewer markets than before, as an edge with a memory of its own would find."""

    id = "okx"
    spent = float

    def __init__(self) -> None:
        self.listed = "short"
        self.inputs = lambda: ("candles",)
        self.markets_as_of = lambda: None
        self.calls_within = lambda _seconds: 600
        self.timeframes = list

    def universe(self, _limit: int, _known: Any, *, believed: str | None) -> tuple[Instrument, ...]:
        """What is listed; the short lists are refused unless they are believed."""
        if self.listed not in ("whole", believed):
            raise FewerMarkets(self.id, "1 markets to track where 3 were known", listed=self.listed)
        return instruments(*(WHOLE if self.listed == "whole" else SHORT))


def instruments(*symbols: str) -> tuple[Instrument, ...]:
    """Spot markets of these symbols."""
    return tuple(Instrument("okx", symbol, symbol, "USDT", "spot", 2.0) for symbol in symbols)


@pytest.fixture
def okx(monkeypatch: pytest.MonkeyPatch) -> Exchange:
    """The exchange; whatever a run sends out goes nowhere, and nothing is asked a second time."""
    for module in (batches, fetch):
        monkeypatch.setattr(module, "request_publish", lambda _cache: None)
    monkeypatch.setattr(fetch, "plan", SimpleNamespace(apply_async=lambda *_, **__: None))
    monkeypatch.setattr(fetch, "retried", lambda call, **_: call())
    return Exchange()


@pytest.fixture
def house(okx: Exchange, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A house over memory alone that tracks all three."""
    clock = MovableClock()
    cache = memory_cache(clock)
    made = House(settings=Settings(), cache=cache, clock=clock, exchange=lambda _: okx)  # type: ignore[arg-type,return-value]
    cache.put(UNIVERSE.key(exchange="okx"), plain.universe(instruments(*WHOLE), ("1m",), ("candles",)))
    monkeypatch.setattr(wire, "house", lambda: made)
    yield made
    cache.close()


def tracked(house: House) -> tuple[str, ...]:
    """The symbols that are followed."""
    entry = house.cache.get(UNIVERSE.key(exchange="okx"))
    return tuple(plain.symbols_of(entry.value if entry else None))


def refused(times: int = 1) -> None:
    """So many refreshes that find a list which is not believed."""
    for _ in range(times):
        with pytest.raises(FewerMarkets):
            fetch.universe.run("okx")


def test_the_same_short_list_is_believed_after_an_hour(house: House) -> None:
    """Until then what was known stays, and the exchange's state says why."""
    refused(CONFIRMED_TIMES)
    assert tracked(house) == WHOLE
    told = house.cache.get(EXCHANGE_STATUS.key(exchange="okx", source="universe"))
    assert told is not None
    assert (told.value["state"], told.value["reason"]) == (
        "bad_answer",
        "1 markets to track where 3 were known",
    )

    house.clock.move(CONFIRMED_FOR_S)  # type: ignore[attr-defined]
    fetch.universe.run("okx")

    assert tracked(house) == SHORT
    assert believed(house, "okx") is None


def test_a_short_list_that_was_seen_seldom_is_not_believed(house: House) -> None:
    """However long ago the first time was: nobody looked meanwhile."""
    refused(CONFIRMED_TIMES - 1)
    house.clock.move(2 * CONFIRMED_FOR_S)  # type: ignore[attr-defined]

    refused()

    fetch.universe.run("okx")
    assert tracked(house) == SHORT


def test_another_short_list_begins_anew(house: House, okx: Exchange) -> None:
    """A list that is cut off here and there says nothing, as often as it comes."""
    for listed in ("short", "other"):
        okx.listed = listed
        refused(CONFIRMED_TIMES)
        house.clock.move(CONFIRMED_FOR_S / 2)  # type: ignore[attr-defined]

    refused()


def test_a_whole_list_in_between_begins_anew(house: House, okx: Exchange) -> None:
    """It was an accident."""
    refused(CONFIRMED_TIMES)
    house.clock.move(CONFIRMED_FOR_S)  # type: ignore[attr-defined]
    okx.listed = "whole"
    fetch.universe.run("okx")

    okx.listed = "short"
    refused()

    assert tracked(house) == WHOLE


def test_any_worker_may_see_it_the_last_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was seen is in the cache, not in the process that saw it."""
    refused(CONFIRMED_TIMES)
    house.clock.move(CONFIRMED_FOR_S)  # type: ignore[attr-defined]
    other = replace(house, exchange=lambda _: Exchange())  # type: ignore[arg-type,return-value]
    monkeypatch.setattr(wire, "house", lambda: other)

    fetch.universe.run("okx")

    assert tracked(other) == SHORT


def test_a_clock_that_is_set_back_makes_it_no_longer(house: House) -> None:
    """The hour is counted from the earliest time that was seen."""
    refused()
    house.clock.move(-600)  # type: ignore[attr-defined]
    refused(CONFIRMED_TIMES)
    house.clock.move(CONFIRMED_FOR_S)  # type: ignore[attr-defined]

    fetch.universe.run("okx")

    assert tracked(house) == SHORT
