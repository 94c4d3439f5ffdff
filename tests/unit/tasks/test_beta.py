"""Claims about when betas are measured, from which series, and what is said of the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from cache.catalogue import BETA, CANDLES
from market.beta import betas
from market.candles import aggregate
from settings import Settings
from tasks.beta import derive_window, source_timeframe
from tasks.wire import House
from tests.support.dashboards import NOW, MovableClock, memory_cache
from tests.support.made_candles import made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from market.model import Candles

SYMBOLS = ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
BTC, ETH, SOL = SYMBOLS


@pytest.fixture
def house() -> Iterator[House]:
    """A house over memory alone, at a moment that stands still."""
    clock = MovableClock()
    cache = memory_cache(clock)
    yield House(settings=Settings(), cache=cache, clock=clock, exchange=_nobody)
    cache.close()


def _nobody(name: str) -> Any:
    raise AssertionError(f"{name} is asked")


def series(seed: int, timeframe: str = "5m", *, bars: int = 400, late_s: float = 0.0) -> Candles:
    """A walk that closed just now."""
    steps = np.random.default_rng(seed).normal(0, 0.002, bars)
    close = 100 * np.exp(np.cumsum(steps))
    candles = made(close, close, close, close, np.ones(bars), timeframe=timeframe)
    return replace(candles, first_open_ms=int((NOW - late_s) * 1000) - bars * candles.step_ms)


def put(house: House, symbol: str, candles: Candles) -> None:
    """Cache candles as the fetcher does."""
    key = CANDLES.key(exchange="okx", symbol=symbol, timeframe=candles.timeframe)
    house.cache.put(key, candles.to_plain(), as_of=candles.closed_at)


def measured(house: House, timeframe: str = "5m") -> Any:
    """The cached window."""
    return house.cache.get(BETA.key(exchange="okx", timeframe=timeframe))


def test_every_symbol_is_measured_beside_bitcoin(house: House) -> None:
    """The figures of the pure function, true as of the close of Bitcoin's newest bar."""
    candles = {symbol: series(seed) for seed, symbol in enumerate(SYMBOLS)}
    for symbol, one in candles.items():
        put(house, symbol, one)

    assert derive_window(house, "okx", SYMBOLS, "5m")

    entry = measured(house)
    expected = betas(candles[BTC], candles, bars=288)
    assert entry.value["symbols"] == {symbol: expected[symbol].to_plain() for symbol in SYMBOLS}
    assert (entry.value["leader"], entry.value["bars"], entry.value["reason"]) == (BTC, 288, None)
    assert entry.value["as_of"] == entry.as_of == NOW
    assert entry.state == "fresh"


def test_hours_are_made_of_the_longest_series_that_divides_them(house: House) -> None:
    """Of 30 minutes, with the configured timeframes: 400 of them are 199 returns of an hour, 168 are used."""
    candles = {symbol: series(seed, "30m") for seed, symbol in enumerate((BTC, ETH))}
    for symbol, one in candles.items():
        put(house, symbol, one)

    derive_window(house, "okx", [BTC, ETH], "1h")

    hours = {symbol: aggregate(one, "1h") for symbol, one in candles.items()}
    expected = betas(hours[BTC], hours, bars=168)[ETH]
    assert measured(house, "1h").value["symbols"][ETH] == expected.to_plain()
    assert expected.ols is not None
    assert expected.ols.n == 168
    assert [source_timeframe(["1m", "5m", "30m", "4h"], name) for name in ("5m", "1h")] == ["5m", "30m"]


def test_nothing_is_measured_twice(house: House) -> None:
    """Not until a series changes, and then at once."""
    put(house, BTC, series(1))
    put(house, ETH, series(2))
    assert derive_window(house, "okx", SYMBOLS, "5m")
    version = measured(house).version

    assert not derive_window(house, "okx", SYMBOLS, "5m")
    assert measured(house).version == version

    put(house, ETH, series(3))
    assert derive_window(house, "okx", SYMBOLS, "5m")


def test_a_symbol_that_comes_or_goes_is_a_change(house: House) -> None:
    """A delisted one leaves with its figures."""
    for seed, symbol in enumerate(SYMBOLS):
        put(house, symbol, series(seed))
    derive_window(house, "okx", SYMBOLS, "5m")

    assert derive_window(house, "okx", [BTC, SOL], "5m")

    assert set(measured(house).value["symbols"]) == {BTC, SOL}


def test_a_series_that_is_not_there_has_a_reason(house: House) -> None:
    """Null, and why."""
    put(house, BTC, series(1))

    derive_window(house, "okx", [BTC, ETH], "5m")

    assert measured(house).value["symbols"][ETH] == {
        "ols": None, "ewma": None, "divergence_z": None, "as_of": None, "reason": "no candles yet",
    }  # fmt: skip


def test_a_late_series_is_left_out_and_makes_no_other_late(house: House) -> None:
    """One symbol without news: its own figures go, those of the others stay fresh."""
    put(house, BTC, series(1))
    put(house, ETH, series(2))
    put(house, SOL, series(3, late_s=3600))

    derive_window(house, "okx", SYMBOLS, "5m")

    entry = measured(house)
    assert entry.state == "fresh"
    assert entry.value["symbols"][ETH]["ols"] is not None
    assert entry.value["symbols"][SOL]["ols"] is None
    assert entry.value["symbols"][SOL]["reason"] == "no newer candles since 23:00:00 UTC"


def test_without_news_of_bitcoin_the_last_figures_stay_and_grow_old(house: House) -> None:
    """They are marked by the entry's own end, and nothing replaces them."""
    put(house, BTC, series(1))
    put(house, ETH, series(2))
    derive_window(house, "okx", SYMBOLS, "5m")
    before = measured(house).value

    house.clock.move(3600)  # type: ignore[attr-defined]
    put(house, ETH, series(5, late_s=-3600))

    assert not derive_window(house, "okx", SYMBOLS, "5m")
    assert measured(house).value == before
    assert measured(house).state == "stale"


@pytest.mark.parametrize(
    ("symbols", "timeframes", "bars", "reason"),
    [
        ([ETH, SOL], ("5m",), 400, "BTC is not among the symbols"),
        (SYMBOLS, ("30m",), 400, "5m cannot be made of any of the configured timeframes"),
        (SYMBOLS, ("5m",), 0, "no candles of BTC/USDT yet"),
        (SYMBOLS, ("1m",), 3, "no whole 5m of BTC/USDT yet"),
    ],
)
def test_a_window_that_cannot_be_measured_says_why(house, symbols, timeframes, bars, reason) -> None:
    """The value is there, empty, with its reason; it is not made again while nothing changes."""
    house = replace(house, settings=Settings(timeframes=timeframes, timeframe_weights={timeframes[0]: 1.0}))
    if bars:
        for seed, symbol in enumerate(symbols):
            put(house, symbol, series(seed, timeframes[0], bars=bars))

    assert derive_window(house, "okx", symbols, "5m")

    value = measured(house).value
    assert (value["symbols"], value["as_of"], value["reason"]) == ({}, None, reason)
    assert not derive_window(house, "okx", symbols, "5m")
