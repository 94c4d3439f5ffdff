"""Order books around the last price, the same for the same second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator import noise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.board import Forming
    from simulator.model import Instrument, Ints, Reals

LEVELS = 200
# The widest spread, and the widest usual gap between levels, as parts of the price.
_SPREAD = 2e-5
_GAP = 5e-5
# The first levels hold about this part of a day's volume each; deeper ones more.
_LEVEL_SHARE = 2e-6
_ASKS = np.uint64(0x5A5A5A5A)
_LEAN_KNOT_MS = 90_000


@dataclass(frozen=True, slots=True)
class Book:
    """Bids by falling, asks by rising price, in ticks, with amounts in steps."""

    bids: Ints
    bid_sizes: Ints
    asks: Ints
    ask_sizes: Ints


@dataclass(frozen=True, slots=True)
class Roster:
    """Some instruments as columns, to make their quotes in one go."""

    keys: noise.Unsigned
    series: Ints
    daily_volume: Reals


@dataclass(frozen=True, slots=True)
class Quotes:
    """Best bids and asks of a roster, in ticks and steps."""

    bid: Ints
    ask: Ints
    bid_size: Ints
    ask_size: Ints


def roster(instruments: Sequence[Instrument]) -> Roster:
    """The columns of some instruments."""
    return Roster(
        keys=np.array([one.key for one in instruments], dtype=np.uint64),
        series=np.array([one.series for one in instruments], dtype=np.int64),
        daily_volume=np.array([one.daily_volume for one in instruments], dtype=np.float64),
    )


def quotes(of: Roster, forming: Forming) -> Quotes:
    """The first level of each instrument's book.

    After a rise the last trade took the ask, after a fall it hit the bid: the last price is one of the two.
    """
    last = forming.last[of.series]
    share = noise.uniform(noise.hashed(of.keys, forming.second))
    spread = np.maximum(1, np.rint(last * _SPREAD * share**3)).astype(np.int64)
    took_ask = (last >= forming.previous[of.series]) & (last > spread)
    bid = np.where(took_ask, last - spread, last)
    sizes = _sizes(of, forming, 1)
    return Quotes(bid, bid + spread, sizes[0, :, 0], sizes[1, :, 0])


def order_book(instrument: Instrument, forming: Forming, depth: int) -> Book:
    """The first `depth` levels (at most LEVELS; fewer bids where they would reach zero)."""
    depth = min(depth, LEVELS)
    of = roster((instrument,))
    best = quotes(of, forming)
    sizes = _sizes(of, forming, depth)[:, 0]
    draws = noise.uniform(_level_bits(of, forming, depth)[:, 0], 2)
    gaps = 1 + (draws**4 * (2 + _GAP * best.ask)).astype(np.int64)
    gaps[:, 0] = 0
    away = np.cumsum(gaps, axis=1)
    bids = best.bid - away[0]
    alive = int(np.count_nonzero(bids > 0))
    return Book(bids[:alive], sizes[0, :alive], best.ask + away[1], sizes[1])


def _level_bits(of: Roster, forming: Forming, depth: int) -> noise.Unsigned:
    """Bits of shape (side, instrument, level)."""
    keys = np.stack((of.keys, of.keys ^ _ASKS))
    return noise.hashed(keys[:, :, None], forming.second * LEVELS + np.arange(depth))


def _sizes(of: Roster, forming: Forming, depth: int) -> Ints:
    """Amounts of shape (side, instrument, level)."""
    draws = noise.uniform(_level_bits(of, forming, depth), 1)
    typical = of.daily_volume[:, None] * (_LEVEL_SHARE * (1 + 0.05 * np.arange(depth)))
    # One side is heavier for a while: the lean wanders within minutes.
    lean = np.exp(0.35 * noise.smooth(of.keys, forming.second * 1000, _LEAN_KNOT_MS))
    leans = np.stack((lean, 1 / lean))[:, :, None]
    sizes: Ints = 1 + (typical * leans * (0.1 + 8 * draws**5)).astype(np.int64)
    return sizes
