"""One candle series prepared for scoring: scaled once, with what several rules share computed once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from market import indicators

if TYPE_CHECKING:
    from market.model import Candles, Floats

LONGEST_MEAN = 200
LONGEST_CHANNEL = 52
RSI_BARS = ATR_BARS = 14
POSITION_BARS, POSITIONS = 14, 5


class Series:
    """Columns of one timeframe, oldest first, of at least one bar, prices divided by the newest close.

    That makes both the zero tests inside TA-Lib and our own ties relative to the price instead of
    absolute, so that the unit of a price can change no score. Equal prices stay equal.

    `means`, `highest` and `lowest` hold at n - 1 the mean close (n to 200), the highest high and the
    lowest low (n to 52) of the newest n bars. `rsi` is the 14-bar index, as long as the series;
    `position` the close's place in its 14-bar range, 0 to 100, for the newest five bars. Both are
    NaN where they are undefined. `atr` is Wilder's average true range of 14 bars, None where nothing moved.
    """

    __slots__ = (
        "_emas", "atr", "bars", "close", "high", "highest", "last", "low", "lowest", "means", "open",
        "position", "rsi", "volume",
    )  # fmt: skip

    def __init__(self, candles: Candles) -> None:
        unit = candles.close[-1]
        self.bars = len(candles.close)
        self.open: Floats = candles.open / unit
        self.close: Floats = candles.close / unit
        self.high: Floats = candles.high / unit
        self.low: Floats = candles.low / unit
        self.volume: Floats = candles.volume
        self.last = float(self.close[-1])
        self.means = indicators.newest_means(self.close, LONGEST_MEAN)
        self.highest = indicators.newest_highest(self.high, LONGEST_CHANNEL)
        self.lowest = indicators.newest_lowest(self.low, LONGEST_CHANNEL)
        self.rsi = indicators.rsi(self.close, RSI_BARS)
        self.position = indicators.position_in_range(
            self.close, self.high, self.low, length=POSITION_BARS, bars=POSITIONS, tie=indicators.PRICE_TIE
        )
        self.atr = indicators.atr(self.high, self.low, self.close, ATR_BARS)
        self._emas: dict[int, Floats] = {}

    def ema(self, length: int) -> Floats:
        """Exponential mean of the close, as long as the series."""
        column = self._emas.get(length)
        if column is None:
            column = self._emas[length] = indicators.ema(self.close, length)
        return column


def unusable_because(candles: Candles) -> str | None:
    """Why nothing can be computed from this series, or None when something can.

    To be asked with numpy's floating point warnings off, as all that follows.
    """
    if not len(candles.close):
        return "no candles"
    # One product says of two columns at once that they are finite.
    products = candles.close @ candles.volume + candles.high @ candles.low + candles.open @ candles.open
    if not math.isfinite(products):
        return "a price or volume is too large or not a number"
    if candles.low.min() <= 0 or candles.close[-1] <= 0:
        return "a price is not positive"
    return None
