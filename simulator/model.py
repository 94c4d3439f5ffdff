"""What the simulated exchange trades, and the whole-number candles everything is made of."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Reals = NDArray[np.float64]

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
    """Candles oldest first: open times in ms, prices in ticks, volume in steps, turnover in quote currency."""

    open_ms: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    turnover: Reals

    def __len__(self) -> int:
        return len(self.open_ms)

    def cut(self, part: slice | NDArray[np.bool_]) -> Candles:
        """The candles of a slice or a mask."""
        return Candles(
            self.open_ms[part],
            self.open[part],
            self.high[part],
            self.low[part],
            self.close[part],
            self.volume[part],
            self.turnover[part],
        )


@dataclass(frozen=True, slots=True)
class Panel:
    """Base candles of every series at once: arrays of shape (series, time), units as in Candles."""

    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    turnover: Reals


def no_candles() -> Candles:
    """An empty run of candles."""
    whole = np.empty(0, dtype=np.int64)
    return Candles(whole, whole, whole, whole, whole, whole, np.empty(0))


def joined(runs: list[Candles]) -> Candles:
    """Runs of candles behind one another, oldest run first."""
    filled = [run for run in runs if len(run)]
    if not filled:
        return no_candles()
    if len(filled) == 1:
        return filled[0]
    return Candles(
        np.concatenate([run.open_ms for run in filled]),
        np.concatenate([run.open for run in filled]),
        np.concatenate([run.high for run in filled]),
        np.concatenate([run.low for run in filled]),
        np.concatenate([run.close for run in filled]),
        np.concatenate([run.volume for run in filled]),
        np.concatenate([run.turnover for run in filled]),
    )


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


def text(count: int, decimals: int) -> str:
    """A count of 10**-decimals as the shortest exact decimal string: (694370, 1) is "69437"."""
    if not decimals:
        return str(count)
    digits = f"{count:0{decimals + 1}d}"
    return f"{digits[:-decimals]}.{digits[-decimals:]}".rstrip("0").rstrip(".")


def padded(count: int, decimals: int) -> str:
    """The same with every decimal: (694370, 1) is "69437.0"."""
    if not decimals:
        return str(count)
    digits = f"{count:0{decimals + 1}d}"
    return f"{digits[:-decimals]}.{digits[-decimals:]}"


def step_text(decimals: int) -> str:
    """The size of one step as a decimal string: 1 is "0.1"."""
    return format(Decimal(1).scaleb(-decimals), "f")
