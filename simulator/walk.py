"""The way of the price inside a base candle, second by second.

A rising candle goes open -> low -> high -> close, a falling one open -> high -> low -> close, on straight
lines whose share of the time is their share of the distance. Volume arrives in uneven portions, one a second.
After the last second the candle is exactly the one it was made from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.noise import hashed, uniform

if TYPE_CHECKING:
    from simulator.model import Ints, Reals


@dataclass(frozen=True, slots=True)
class Walk:
    """The turning points of some candles (one entry each), in seconds from the open and in ticks."""

    seconds: int
    open: Ints
    first: Ints
    second: Ints
    close: Ints
    first_at: Ints
    second_at: Ints

    def price_at(self, second: Ints | int) -> Ints:
        """The last price when `second` seconds of the candle have passed: 0 is the open."""
        at = np.asarray(second, dtype=np.int64)
        one = _between(self.open, self.first, at, 0, self.first_at)
        two = _between(self.first, self.second, at, self.first_at, self.second_at)
        three = _between(self.second, self.close, at, self.second_at, self.seconds)
        return np.where(at <= self.first_at, one, np.where(at <= self.second_at, two, three))

    def range_between(self, start: Ints | int, stop: Ints | int) -> tuple[Ints, Ints]:
        """High and low between two seconds, both included."""
        before, after = self.price_at(start), self.price_at(stop)
        high, low = np.maximum(before, after), np.minimum(before, after)
        for price, at in ((self.first, self.first_at), (self.second, self.second_at)):
            passed = (np.asarray(start) <= at) & (at <= np.asarray(stop))
            high = np.where(passed, np.maximum(high, price), high)
            low = np.where(passed, np.minimum(low, price), low)
        return high, low


def walk_through(*, opens: Ints, highs: Ints, lows: Ints, closes: Ints, seconds: int) -> Walk:
    """Lay the path through candles of `seconds` length (at least 4)."""
    rising = closes >= opens
    first = np.where(rising, lows, highs)
    second = np.where(rising, highs, lows)
    one, two, three = np.abs(first - opens), np.abs(second - first), np.abs(closes - second)
    whole = np.maximum(one + two + three, 1)
    # A turn takes at least a second to reach and to leave, so that some second ends on it.
    first_at = np.rint(seconds * one / whole).astype(np.int64)
    first_at = np.clip(first_at, one > 0, seconds - 2)
    second_at = np.rint(seconds * (one + two) / whole).astype(np.int64)
    second_at = np.clip(second_at, first_at + (two > 0), seconds - (three > 0))
    return Walk(seconds, opens, first, second, closes, first_at, second_at)


def flow(keys: Ints, base_index: Ints, seconds: int) -> Reals:
    """The share of a candle's volume that has traded after 0, 1, .. `seconds` seconds; the last is 1.

    One row for each key and index (either may be single). Portions are heavy-tailed, as trades are: few
    seconds carry most of the volume.
    """
    bits = hashed(keys[:, None], base_index[:, None] * seconds + np.arange(seconds))
    portions = 0.05 + uniform(bits) ** 6
    shares = np.zeros((bits.shape[0], seconds + 1))
    np.cumsum(portions, axis=1, out=shares[:, 1:])
    shares /= shares[:, -1:].copy()
    return shares


def volume_at(volume: Ints, shares: Reals) -> Ints:
    """Steps traded when `shares` of the volume have: whole steps, never more than the volume."""
    traded: Ints = np.floor(volume * shares + 1e-9).astype(np.int64)
    return traded


def _between(start: Ints, stop: Ints, at: Any, start_at: Any, stop_at: Any) -> Ints:
    length = np.maximum(stop_at - start_at, 1)
    price: Ints = np.rint(start + (stop - start) * ((at - start_at) / length)).astype(np.int64)
    return price
