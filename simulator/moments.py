"""What was recorded of single moments: trades, order books and tickers, moved as the candles are."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from simulator.trades import Trades

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.model import Flags, Ints

# A book or a ticker stands for the time after it, until the next one, but no longer than this.
_HOLDS_MS = 60_000
# More trades than this in a millisecond would need an order that they do not have.
_NUMBERS_A_MS = 1000


class RecordedBook(msgspec.Struct, frozen=True):
    """An order book as it was recorded: prices and amounts as decimals, the best level first."""

    symbol: str
    timestamp: int
    bids: tuple[tuple[str, str], ...]
    asks: tuple[tuple[str, str], ...]


class RecordedTicker(msgspec.Struct, frozen=True):
    """A ticker as it was recorded: decimals; what the exchange did not tell is None."""

    symbol: str
    timestamp: int
    last: str
    bid: str | None = None
    ask: str | None = None
    open: str | None = None
    high: str | None = None
    low: str | None = None
    volume: str | None = None
    turnover: str | None = None


@dataclass(frozen=True, slots=True)
class TradeRun:
    """All recorded trades of a coin, oldest first, in the recording's time; `spans` are without holes."""

    time_ms: Ints
    price: Ints
    size: Ints
    bought: Flags
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Shots:
    """Recorded values of a coin by their times in ms, rising, each as its line of JSON."""

    times_ms: tuple[int, ...] = ()
    lines: tuple[bytes, ...] = ()

    def at(self, moment_ms: int) -> tuple[int, bytes] | None:
        """The newest at or before a moment that is not too old to stand for it."""
        place = bisect.bisect_right(self.times_ms, moment_ms) - 1
        if place < 0 or moment_ms - self.times_ms[place] > _HOLDS_MS:
            return None
        return self.times_ms[place], self.lines[place]


@dataclass(frozen=True, slots=True)
class Moments:
    """What is recorded of one coin beside its candles."""

    trades: TradeRun | None = None
    books: Shots = Shots()
    tickers: Shots = Shots()


NOTHING = Moments()


def trades_before(run: TradeRun | None, moment_ms: int, count: int, shift_ms: int) -> Trades | None:
    """The newest `count` trades before a moment, moved by `shift_ms`.

    None where it is not in a span that was recorded, or the span has none before it.
    """
    if run is None:
        return None
    begin = next((first for first, last in run.spans if first < moment_ms <= last), None)
    if begin is None:
        return None
    oldest, stop = np.searchsorted(run.time_ms, [begin, moment_ms])
    part = slice(max(int(oldest), int(stop) - count), int(stop))
    if part.start >= part.stop:
        return None
    times = run.time_ms[part]
    numbers = times * _NUMBERS_A_MS + (np.arange(len(times)) - np.searchsorted(times, times))
    return Trades(times + shift_ms, run.price[part], run.size[part], run.bought[part], numbers)


def book_at(shots: Shots, moment_ms: int) -> RecordedBook | None:
    """The book that stood at a moment of the recording, or None."""
    found = shots.at(moment_ms)
    return None if found is None else msgspec.json.decode(found[1], type=RecordedBook)


def ticker_at(shots: Shots, moment_ms: int) -> RecordedTicker | None:
    """The ticker that stood at a moment of the recording, or None."""
    found = shots.at(moment_ms)
    return None if found is None else msgspec.json.decode(found[1], type=RecordedTicker)


def shots_of(values: Sequence[tuple[int, bytes]]) -> Shots:
    """Values with their times, put in order."""
    ordered = sorted(values)
    return Shots(tuple(time for time, _ in ordered), tuple(line for _, line in ordered))
