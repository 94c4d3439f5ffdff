"""Public trades that add up to the candles.

Each second of a candle trades exactly the volume that the candle gains in it: at least one trade where that is
not zero, two where a coin toss says so. A second's last trade is at the price the walk has reached, the first
trade of a candle at its open. So the trades of a finished candle add up to its volume exactly, stay within its
range, and, unless a decisive second has no volume, have its open, high, low and close.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator import noise
from simulator.model import Instrument, Ints, Reals
from simulator.tape import Tape
from simulator.walk import flow, volume_at, walk_through

_SPLIT_CHANCE = 0.2


@dataclass(frozen=True, slots=True)
class Trades:
    """Trades oldest first: time in ms, price in ticks, size in steps, whether the taker bought, a number."""

    time_ms: Ints
    price: Ints
    size: Ints
    bought: np.ndarray[tuple[int], np.dtype[np.bool_]]
    number: Ints

    def __len__(self) -> int:
        return len(self.time_ms)


def recent_trades(tape: Tape, instrument: Instrument, count: int, second: int) -> Trades:
    """The newest `count` trades before the given second."""
    market = tape.market
    index = tape.forming(second).board.index
    runs: list[Trades] = []
    found = 0
    lowest = max(market.first_index, index - count)
    while found < count and index >= lowest:
        run = _of_candle(tape, instrument, index, second)
        if run is not None:
            runs.append(run)
            found += len(run)
        index -= 1
    if not runs:
        empty = np.empty(0, dtype=np.int64)
        return Trades(empty, empty, empty, empty.astype(bool), empty)
    runs.reverse()
    return _newest(runs, count)


def _newest(runs: list[Trades], count: int) -> Trades:
    return Trades(
        np.concatenate([run.time_ms for run in runs])[-count:],
        np.concatenate([run.price for run in runs])[-count:],
        np.concatenate([run.size for run in runs])[-count:],
        np.concatenate([run.bought for run in runs])[-count:],
        np.concatenate([run.number for run in runs])[-count:],
    )


def _of_candle(tape: Tape, instrument: Instrument, index: int, second: int) -> Trades | None:
    """The trades of one base candle that happened before `second`."""
    market = tape.market
    seconds = market.base_ms // 1000
    candle = market.base(instrument.series, index, index + 1)
    steps = min(seconds, second - index * seconds)
    if not len(candle) or steps <= 0:
        return None
    at = np.arange(steps + 1)
    walk = walk_through(
        opens=candle.open, highs=candle.high, lows=candle.low, closes=candle.close, seconds=seconds
    )
    path = walk.price_at(at)
    shares = flow(tape.flow_key(instrument), index, seconds)[0, : steps + 1]
    gained = np.diff(volume_at(candle.volume // instrument.volume_divisor, shares))
    return _in_seconds(instrument, index * seconds + at[:-1], path, gained)


def _in_seconds(instrument: Instrument, seconds: Ints, path: Ints, gained: Ints) -> Trades:
    bits = noise.hashed(instrument.key, seconds)
    toss, part = noise.uniform(bits, 0), noise.uniform(bits, 1)
    double = (gained > 1) & (toss < _SPLIT_CHANCE)
    double[0] = gained[0] > 1
    early = np.where(double, np.clip((gained * part).astype(np.int64), 1, gained - 1), 0)
    rose, fell = path[1:] > path[:-1], path[1:] < path[:-1]
    guess = noise.uniform(bits, 2) < 0.5  # noqa: PLR2004 - a fair coin
    late_bought = rose | (~fell & guess)
    offset = noise.uniform(bits, 3)
    start = seconds * 1000
    return _interleaved(
        times=(start + _ms(offset, 0), start + _ms(offset, 500)),
        prices=(path[:-1], path[1:]),
        sizes=(early, gained - early),
        bought=(guess, late_bought),
        numbers=(seconds * 2, seconds * 2 + 1),
    )


def _interleaved(
    *,
    times: tuple[Ints, Ints],
    prices: tuple[Ints, Ints],
    sizes: tuple[Ints, Ints],
    bought: tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], np.ndarray[tuple[int], np.dtype[np.bool_]]],
    numbers: tuple[Ints, Ints],
) -> Trades:
    """Early and late trades of each second in turn, without the empty ones."""
    size = np.column_stack(sizes).ravel()
    real = size > 0
    return Trades(
        np.column_stack(times).ravel()[real],
        np.column_stack(prices).ravel()[real],
        size[real],
        np.column_stack(bought).ravel()[real],
        np.column_stack(numbers).ravel()[real],
    )


def _ms(share: Reals, start: int) -> Ints:
    return start + (share * 500).astype(np.int64)
