"""What the simulated exchange trades, and the whole-number candles everything is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Ints = NDArray[np.int64]
Reals = NDArray[np.float64]
Flags = NDArray[np.bool_]

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS


@dataclass(frozen=True, slots=True)
class Instrument:
    """One tradable symbol; prices are counted in ticks of 10**-price_decimals, amounts in 10**-qty_decimals.

    `series` is the row of the market that holds its prices; a spot pair shares the row of its perpetual and
    trades one `volume_divisor`-th of its volume. `daily_volume` is what usually trades in a day, in steps.
    """

    category: str
    symbol: str
    base: str
    series: int
    price_decimals: int
    qty_decimals: int
    listed_at_ms: int
    key: int
    symbol_id: int
    daily_volume: int
    volume_divisor: int = 1
    quote: str = "USDT"

    @property
    def unit(self) -> float:
        """Quote currency in one tick times one amount step."""
        return 10.0 ** -(self.price_decimals + self.qty_decimals)


@dataclass(frozen=True, slots=True)
class Candles:
    """Candles oldest first: open times in ms, prices in ticks, volume in steps, turnover in USDT."""

    open_ms: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    turnover: Reals

    def __len__(self) -> int:
        return len(self.open_ms)

    def columns(self) -> tuple[Any, ...]:
        """The seven columns in the order of the fields."""
        return self.open_ms, self.open, self.high, self.low, self.close, self.volume, self.turnover

    def cut(self, part: slice | Flags) -> Candles:
        """The candles of a slice or a mask."""
        return Candles(*(column[part] for column in self.columns()))


@dataclass(frozen=True, slots=True)
class Panel:
    """Base candles of every series at once: arrays of shape (series, time), units as in Candles."""

    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    turnover: Reals

    def columns(self) -> tuple[Any, ...]:
        """The six columns in the order of the fields."""
        return self.open, self.high, self.low, self.close, self.volume, self.turnover

    def between(self, first: int, stop: int) -> Panel:
        """The part with first <= place < stop in time."""
        return Panel(*(column[:, first:stop] for column in self.columns()))

    def series(self, row: int) -> Panel:
        """One series alone, arrays of shape (time,)."""
        return Panel(*(column[row] for column in self.columns()))


def side_by_side(panels: Sequence[Panel], *, axis: int) -> Panel:
    """Panels joined along an axis; a single one is given back as it is."""
    if len(panels) == 1:
        return panels[0]
    columns = zip(*(panel.columns() for panel in panels), strict=True)
    return Panel(*(np.concatenate(column, axis=axis) for column in columns))


def no_candles() -> Candles:
    """An empty run of candles."""
    whole = np.empty(0, dtype=np.int64)
    return Candles(whole, whole, whole, whole, whole, whole, np.empty(0))


def joined(runs: Sequence[Candles]) -> Candles:
    """Runs of candles behind one another, oldest run first."""
    filled = [run for run in runs if len(run)]
    if not filled:
        return no_candles()
    if len(filled) == 1:
        return filled[0]
    columns = zip(*(run.columns() for run in filled), strict=True)
    return Candles(*(np.concatenate(column) for column in columns))


def grouped(candles: Candles, group_open_ms: Ints) -> Candles:
    """One candle for each run of equal `group_open_ms` (one entry for each candle, not falling)."""
    if not len(candles):
        return candles
    starts = np.flatnonzero(np.diff(group_open_ms, prepend=group_open_ms[0] - 1))
    ends = np.append(starts[1:], len(candles)) - 1
    return Candles(
        group_open_ms[starts],
        candles.open[starts],
        np.maximum.reduceat(candles.high, starts),
        np.minimum.reduceat(candles.low, starts),
        candles.close[ends],
        np.add.reduceat(candles.volume, starts),
        np.add.reduceat(candles.turnover, starts),
    )
