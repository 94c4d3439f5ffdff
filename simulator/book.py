"""Order books around the last price, the same for the same second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator import noise
from simulator.model import Instrument, Ints
from simulator.tape import Forming

LEVELS = 200
_SPREAD = 2e-5
_GAP = 1.2e-5
# The first levels hold about this part of a day's volume each; deeper ones more.
_LEVEL_SHARE = 2e-6
_PURPOSE_ASKS = 0x5A5A5A5A


@dataclass(frozen=True, slots=True)
class Book:
    """Bids by falling, asks by rising price, in ticks, with amounts in steps."""

    bids: Ints
    bid_sizes: Ints
    asks: Ints
    ask_sizes: Ints


def best(instrument: Instrument, forming: Forming) -> tuple[int, int]:
    """Best bid and ask: after a rise the last trade took the ask, after a fall it hit the bid."""
    last = int(forming.last[instrument.series])
    share = float(noise.uniform(noise.hashed(instrument.key, forming.second))[0])
    spread = max(1, round(last * _SPREAD * share))
    if forming.last[instrument.series] >= forming.previous[instrument.series] and last > spread:
        return last - spread, last
    return last, last + spread


def best_sizes(instrument: Instrument, forming: Forming) -> tuple[int, int]:
    """The amounts at the best bid and ask, as `order_book` has them."""
    keys = np.array([[instrument.key], [instrument.key ^ _PURPOSE_ASKS]])
    sizes = _sizes(instrument, forming, keys, 1)
    return int(sizes[0, 0]), int(sizes[1, 0])


def order_book(instrument: Instrument, forming: Forming, depth: int) -> Book:
    """The first `depth` levels (at most LEVELS; fewer bids where they would reach zero)."""
    depth = min(depth, LEVELS)
    bid, ask = best(instrument, forming)
    keys = np.array([[instrument.key], [instrument.key ^ _PURPOSE_ASKS]])
    sizes = _sizes(instrument, forming, keys, depth)
    draws = noise.uniform(noise.hashed(keys, _level_index(forming, depth)), 2)
    gaps = 1 + (draws**3 * (2 + 4 * _GAP * ask)).astype(np.int64)
    gaps[:, 0] = 0
    away = np.cumsum(gaps, axis=1)
    bids = bid - away[0]
    alive = int(np.count_nonzero(bids > 0))
    return Book(bids[:alive], sizes[0, :alive], ask + away[1], sizes[1])


def _level_index(forming: Forming, depth: int) -> Ints:
    return forming.second * LEVELS + np.arange(depth)


def _sizes(instrument: Instrument, forming: Forming, keys: Ints, depth: int) -> Ints:
    draws = noise.uniform(noise.hashed(keys, _level_index(forming, depth)), 1)
    typical = instrument.daily_volume * _LEVEL_SHARE * (1 + np.arange(depth) * 0.05)
    # One side is heavier for a while: the lean wanders within minutes.
    lean = 0.35 * noise.smooth(instrument.key, forming.second * 1000, 90_000)[0]
    leans = np.exp(np.array([[lean], [-lean]]))
    return 1 + (typical * leans * (0.1 + 8 * draws**5)).astype(np.int64)
