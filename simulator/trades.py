"""Public trades that add up to the candles.

Each second of a candle trades exactly the volume that the candle gains in it: one trade where that is not
zero, two where a coin toss says so. A second's last trade is at the price the walk has reached, the first
trade of a candle at its open. So the trades of a finished candle add up to its volume exactly and stay within
its range; and unless a decisive second has no volume, their open, high, low and close are the candle's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator import noise
from simulator.walk import flow, volume_at, walk_through

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.model import Candles, Flags, Instrument, Ints
    from simulator.tape import Tape

_SPLIT_CHANCE = 0.2
_EVEN = 0.5
_MOST_CANDLES = 1500


@dataclass(frozen=True, slots=True)
class Trades:
    """Trades oldest first: time in ms, price in ticks, size in steps, whether the taker bought, a number."""

    time_ms: Ints
    price: Ints
    size: Ints
    bought: Flags
    number: Ints

    def __len__(self) -> int:
        return len(self.time_ms)

    def columns(self) -> tuple[Any, ...]:
        """The five columns in the order of the fields."""
        return self.time_ms, self.price, self.size, self.bought, self.number


def recent_trades(tape: Tape, instrument: Instrument, count: int, second: int) -> Trades:
    """The newest `count` trades before a second; fewer where the market has hardly any."""
    seconds = tape.market.base_ms // 1000
    stop = min(second // seconds, tape.forming(second).board.index) + 1
    wanted = count // seconds + 2
    oldest = max(tape.market.first_index, stop - _MOST_CANDLES)
    runs: list[Trades] = []
    while stop > oldest and sum(map(len, runs)) < count:
        first = max(oldest, stop - wanted)
        runs.insert(0, _of_candles(tape, instrument, tape.base(instrument, first, stop), second))
        stop, wanted = first, wanted * 4
    return Trades(*(np.concatenate(parts)[-count:] for parts in zip(*_all_columns(runs), strict=True)))


def _all_columns(runs: Sequence[Trades]) -> list[tuple[Any, ...]]:
    if runs:
        return [run.columns() for run in runs]
    empty = np.empty(0, dtype=np.int64)
    return [(empty, empty, empty, empty.astype(bool), empty)]


def _of_candles(tape: Tape, instrument: Instrument, candles: Candles, second: int) -> Trades:
    """The trades of some base candles that happened before `second`."""
    seconds = tape.market.base_ms // 1000
    index = candles.open_ms // tape.market.base_ms
    walk = walk_through(
        opens=candles.open[:, None],
        highs=candles.high[:, None],
        lows=candles.low[:, None],
        closes=candles.close[:, None],
        seconds=seconds,
    )
    path = walk.price_at(np.arange(seconds + 1))
    shares = flow(np.array([tape.flow_key(instrument)]), index, seconds)
    gained = np.diff(volume_at(candles.volume[:, None], shares), axis=1)
    starts = index[:, None] * seconds + np.arange(seconds)
    opening = np.arange(seconds) == 0
    past = starts.ravel() < second
    return _of_seconds(
        instrument,
        seconds=starts.ravel()[past],
        before=path[:, :-1].ravel()[past],
        after=path[:, 1:].ravel()[past],
        gained=gained.ravel()[past],
        opening=np.broadcast_to(opening, gained.shape).ravel()[past],
    )


def _of_seconds(
    instrument: Instrument, *, seconds: Ints, before: Ints, after: Ints, gained: Ints, opening: Flags
) -> Trades:
    """One or two trades for each second that gained volume."""
    bits = noise.hashed(instrument.key, seconds)
    double = (gained > 1) & (opening | (noise.uniform(bits, 0) < _SPLIT_CHANCE))
    early = np.where(double, np.clip((gained * noise.uniform(bits, 1)).astype(np.int64), 1, gained - 1), 0)
    guess = noise.uniform(bits, 2) < _EVEN
    bought = (after > before) | ((after == before) & guess)
    time_ms = seconds * 1000 + (noise.uniform(bits, 3) * 500).astype(np.int64)
    size = np.column_stack((early, gained - early)).ravel()
    real = size > 0
    pairs = (
        (time_ms, time_ms + 500),
        (before, after),
        (early, gained - early),
        (guess, bought),
        (seconds * 2, seconds * 2 + 1),
    )
    return Trades(*(np.column_stack(pair).ravel()[real] for pair in pairs))
