"""Candles and books made up for tests: seeded walks, and the changes that scores must bear."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from market.model import Candles, OrderBook

FIRST_OPEN_MS = 1_747_699_200_000


def walk(
    bars: int, *, seed: int = 1, price: float = 100.0, tick: float = 0.01, timeframe: str = "1m"
) -> Candles:
    """A random walk on a tick grid, with volume in every bar; volatility clusters."""
    random = np.random.default_rng(seed)
    pace = np.exp(np.cumsum(random.normal(0, 0.1, bars)) * 0.3)
    closes = price * np.exp(np.cumsum(random.normal(0, 0.002, bars) * np.clip(pace, 0.2, 5)))
    opens = np.concatenate(([price], closes[:-1]))
    reach = np.abs(random.normal(0, 0.001, (2, bars))) * price
    high, low = np.maximum(opens, closes) + reach[0], np.minimum(opens, closes) - reach[1]
    columns = (np.round(column / tick) * tick for column in (opens, high, low, closes))
    return made(*columns, random.uniform(1, 100, bars), timeframe=timeframe)


def flat(bars: int, *, price: float = 100.0, volume: float = 1.0, timeframe: str = "1m") -> Candles:
    """Candles that never move."""
    return made(*(np.full(bars, price) for _ in range(4)), np.full(bars, volume), timeframe=timeframe)


def rising(bars: int, *, step: float = 1.0, timeframe: str = "1m") -> Candles:
    """Candles that close a step higher every time, with wicks of half a step."""
    closes = 100.0 + step * np.arange(1, bars + 1)
    opens = closes - step
    return made(opens, closes + step / 2, opens - step / 2, closes, np.ones(bars), timeframe=timeframe)


def made(open_, high, low, close, volume, *, timeframe: str = "1m", filled=None) -> Candles:
    """Candles from columns, all times made up."""
    columns = [np.ascontiguousarray(column, dtype=np.float64) for column in (open_, high, low, close, volume)]
    filled = np.zeros(len(columns[0]), dtype=bool) if filled is None else np.asarray(filled, dtype=bool)
    return Candles(timeframe, FIRST_OPEN_MS, *columns, filled=filled)


def scaled(candles: Candles, factor: float) -> Candles:
    """The same candles in another unit of price."""
    prices = {name: getattr(candles, name) * factor for name in ("open", "high", "low", "close")}
    return replace(candles, **prices)


def mirrored(candles: Candles) -> Candles:
    """Prices p -> 2m - p with m the highest high, so that all stay positive; highs and lows exchanged."""
    twice = 2 * candles.high.max()
    return replace(
        candles,
        open=twice - candles.open,
        high=twice - candles.low,
        low=twice - candles.high,
        close=twice - candles.close,
    )


def book(bids, asks, *, as_of: float = 1_747_700_000.0) -> OrderBook:
    """A book from (price, amount) pairs, best first."""
    sides = (np.array(side, dtype=np.float64).reshape(-1, 2) for side in (bids, asks))
    return OrderBook("simulated", "BTC/USDT:USDT", *sides, as_of=as_of)


def mirrored_book(original: OrderBook) -> OrderBook:
    """Bids and asks exchanged, their prices mirrored at the middle of the book."""
    twice = original.bids[0, 0] + original.asks[0, 0]

    def turned(side: np.ndarray) -> np.ndarray:
        return np.column_stack((twice - side[:, 0], side[:, 1]))

    return replace(original, bids=turned(original.asks), asks=turned(original.bids))
