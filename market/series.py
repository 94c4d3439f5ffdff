"""Candle series of one length prepared for scoring: stacked, scaled once, with what several rules share.

Everything is computed for all of them at once, row by row: no row can change a number of another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from market import indicators, weights
from market.model import PRICE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from market.indicators import Votes
    from market.model import Candles, Floats

LONGEST_CHANNEL = 52
RSI_BARS = ATR_BARS = 14
RSIS = 18  # five positions in a range of 14 need so many
POSITION_BARS, POSITIONS = 14, 5
OPEN, HIGH, LOW, CLOSE, VOLUME = range(len(PRICE_COLUMNS))


class Series:
    """Columns of candles, (series, bar), oldest bar first, of at least one bar, in units of the newest close.

    That makes our ties relative to the price instead of absolute, so that the unit of a price can change
    no score. Equal prices stay equal.

    `moved` are the closes less the newest one. `highest` and `lowest` hold at n - 1 the highest high and
    the lowest low (n to 52) of the newest n bars. `rsi` has the 14-bar index of the newest 18 bars,
    `position` the close's place in its 14-bar range, 0 to 100, of the newest five, or of as many as there
    are. `atr` is Wilder's average true range of 14 bars. What is undefined is NaN.
    """

    __slots__ = (
        "_found", "_rows", "_sides", "atr", "bars", "close", "count", "high", "highest", "low", "lowest",
        "moved", "open", "position", "rsi", "volume",
    )  # fmt: skip

    def __init__(self, columns: Floats) -> None:
        unit = columns[CLOSE, :, -1:]
        self.count, self.bars = columns.shape[1:]
        self.open: Floats = columns[OPEN] / unit
        self.high: Floats = columns[HIGH] / unit
        self.low: Floats = columns[LOW] / unit
        self.close: Floats = columns[CLOSE] / unit
        self.volume: Floats = columns[VOLUME]
        # From the newest close: prices that are all equal are then exactly at their mean.
        self.moved: Floats = self.close - 1.0
        self.highest = indicators.newest_highest(self.high, LONGEST_CHANNEL)
        self.lowest = indicators.newest_lowest(self.low, LONGEST_CHANNEL)
        self.rsi = indicators.rsi(self.close, RSI_BARS, RSIS)
        self.position = indicators.position_in_range(
            self.close, self.high, self.low, length=POSITION_BARS, bars=POSITIONS, tie=indicators.PRICE_TIE
        )
        self.atr = indicators.atr(self.high, self.low, self.close, ATR_BARS)
        self._rows, matrix = weights.of_closes(self.bars)
        self._found = indicators.weighted(self.moved, matrix)
        self._sides = indicators.signs(-self._found)

    @classmethod
    def of(cls, candles: Sequence[Candles]) -> Self:
        """Series of equal length, each of which can be used."""
        return cls(stacked(candles))

    def newest(self, name: str) -> Floats | None:
        """One of `weights.of_closes`: a mean less the newest close, or a difference; None if too short."""
        row = self._rows.get(name)
        return None if row is None else self._found[:, row]

    def side(self, mean: str) -> Votes | None:
        """Which side of a mean of the closes, such as "ema50", the newest close is on; 0 within the tie."""
        row = self._rows.get(mean)
        return None if row is None else self._sides[:, row]


def stacked(candles: Sequence[Candles]) -> Floats:
    """(column, series, bar) of series of equal length, columns as in `model.PRICE_COLUMNS`."""
    shape = len(PRICE_COLUMNS), len(candles), len(candles[0])
    if not shape[-1]:
        return np.empty(shape)
    return np.concatenate([getattr(each, name) for name in PRICE_COLUMNS for each in candles]).reshape(shape)


def unusable_because(candles: Candles) -> str | None:
    """Why nothing can be computed from this series, or None when something can.

    To be asked with numpy's floating point warnings off, as all that follows.
    """
    return reasons(stacked([candles]))[0]


def reasons(columns: Floats) -> list[str | None]:
    """The same of each of several series, stacked."""
    count, bars = columns.shape[1:]
    if not bars:
        return ["no candles"] * count
    # One product says of two columns at once that they are finite.
    pairs = ((CLOSE, VOLUME), (HIGH, LOW), (OPEN, OPEN))
    products = sum(np.einsum("nb,nb->n", columns[one], columns[other]) for one, other in pairs)
    readable = np.isfinite(products)
    positive = (columns[LOW].min(axis=1) > 0) & (columns[CLOSE, :, -1] > 0)
    if (readable & positive).all():
        return [None] * count
    return [
        None
        if good
        else "a price is not positive"
        if finite
        else "a price or volume is too large or not a number"
        for finite, good in zip(readable.tolist(), (readable & positive).tolist(), strict=True)
    ]
