"""TechnicalRating v3 and the price structure written a second time, from the rules, with plain loops.

What is computed at a bar depends on that bar and earlier ones alone, so one pass serves every bar.
"""

from __future__ import annotations

import copy
import math
from itertools import pairwise

from tests.support.columns_by_hand import (
    cci,
    directional,
    ema,
    extreme,
    minus,
    place,
    rsi,
    sma,
    true_range,
    ultimate,
    wilder,
    wma,
)

LENGTHS = (10, 20, 30, 50, 100, 200)
# What counts as equal: a share of the close, and points of an index from 0 to 100.
PRICE_TIE, INDEX_TIE = 1e-12, 1e-6


class ByHand:
    """Every column once; `votes(at)` says what the rules make of bar `at`."""

    price_tie, index_tie = PRICE_TIE, INDEX_TIE

    def __init__(self, candles) -> None:
        self.close, self.high, self.low = candles.close.tolist(), candles.high.tolist(), candles.low.tolist()
        self.volume = candles.volume.tolist()
        close, high, low = self.close, self.high, self.low
        self.sma = {n: sma(close, n) for n in LENGTHS}
        self.ema = {n: ema(close, n) for n in (*LENGTHS, 12, 13, 26)}
        self.hma = wma(
            [
                None if a is None or b is None else 2 * a - b
                for a, b in zip(wma(close, 4), wma(close, 9), strict=True)
            ],
            3,
        )
        self.middles = {
            n: [
                None if a is None else (a + b) / 2
                for a, b in zip(extreme(high, n, max), extreme(low, n, min), strict=True)
            ]
            for n in (9, 26, 52)
        }
        self.rsi = rsi(close, 14)
        self.raw = place(close, high, low, 14, PRICE_TIE * min(close))
        self.williams = [None if p is None else p - 100 for p in self.raw]
        self.k = sma(self.raw, 3)
        self.d = sma(self.k, 3)
        self.rsi_k = (
            sma(place(self.rsi, self.rsi, self.rsi, 14, INDEX_TIE), 3) if None not in self.rsi[14:] else None
        )
        self.rsi_d = sma(self.rsi_k, 3) if self.rsi_k else None
        self.cci = cci(close, 20)
        self.adx, self.plus, self.minus = directional(high, low, close, 14)
        half = [(a + b) / 2 for a, b in zip(high, low, strict=True)]
        self.ao = minus(sma(half, 5), sma(half, 34))
        self.macd = minus(self.ema[12], self.ema[26])
        self.signal = ema(self.macd, 9)
        self.uo = ultimate(high, low, close)
        self.atr = wilder(true_range(high, low, close), 14)

    def untied(self):
        """The same bars where nothing but the same number counts as equal: the rules to the letter."""
        other = copy.copy(self)
        other.price_tie = other.index_tie = 0.0
        other.adx, other.plus, other.minus = directional(self.high, self.low, self.close, 14, tie=0.0)
        return other

    def order(self, a, b, at):
        """Sign of a - b with the tie of prices."""
        tie = self.price_tie * self.close[at]
        return (a - b > tie) - (a - b < -tie)

    def votes(self, at):
        """All 26 votes on bar `at`."""
        found = {f"sma{n}": self.above(self.sma[n][at], at) for n in LENGTHS}
        found |= {f"ema{n}": self.above(self.ema[n][at], at) for n in LENGTHS}
        found |= {
            "hma9": self.above(self.hma[at], at),
            "vwma20": self.vwma(at),
            "ichimoku": self.ichimoku(at),
        }
        return found | self.oscillators(at)

    def above(self, mean, at):
        """The close against a mean."""
        return None if mean is None else self.order(self.close[at], mean, at)

    def vwma(self, at):
        """The close against the mean weighted by volume."""
        if at < 19 or not sum(self.volume[at - 19 : at + 1]):
            return None
        bars = range(at - 19, at + 1)
        mean = math.fsum(self.close[k] * self.volume[k] for k in bars) / math.fsum(
            self.volume[k] for k in bars
        )
        return self.above(mean, at)

    def ichimoku(self, at):
        """Lead B, lead A, base, conversion and close in rising or falling order."""
        if at < 77:
            return None
        lead_a = (self.middles[9][at - 26] + self.middles[26][at - 26]) / 2
        chain = (self.close[at], self.middles[9][at], self.middles[26][at], lead_a, self.middles[52][at - 26])
        steps = [self.order(a, b, at) for a, b in pairwise(chain)]
        return 1 if min(steps) == 1 else -1 if max(steps) == -1 else 0

    def oscillators(self, at):
        """The eleven votes of the second group."""
        trend = None if self.ema[50][at] is None else self.order(self.close[at], self.ema[50][at], at)
        return {
            "rsi14": self.turning(self.rsi, at, 30, 70),
            "stochastic": self.outside(self.k[at], self.d[at]),
            "cci20": self.turning(self.cci, at, -100, 100),
            "adx14": self.adx_vote(at),
            "awesome": self.awesome(at),
            "momentum10": None
            if at < 11
            else self.order(
                self.close[at] - self.close[at - 10], self.close[at - 1] - self.close[at - 11], at
            ),
            "macd": None if self.signal[at] is None else self.order(self.macd[at], self.signal[at], at),
            "stochastic_rsi": self.stochastic_rsi(at, trend),
            "williams_r14": self.turning(self.williams, at, -80, -20),
            "bull_bear_power13": self.power(at, trend),
            "ultimate": None
            if self.uo[at] is None
            else (self.uo[at] > 70 + self.index_tie) - (self.uo[at] < 30 - self.index_tie),
        }

    def adx_vote(self, at):
        """A strong and growing trend, in its direction."""
        if at < 28 or self.adx[at] is None or self.adx[at - 1] is None:
            return None
        rising = self.adx[at] - self.adx[at - 1] > self.index_tie
        if not rising or self.adx[at] <= 20 + self.index_tie:
            return 0
        difference = self.plus[at] - self.minus[at]
        return (difference > self.index_tie) - (difference < -self.index_tie)

    def awesome(self, at):
        """A cross of nought, or a turn away from it."""
        if at < 35:
            return None
        older, before, now = self.ao[at - 2 : at + 1]
        for side in (1, -1):
            if self.order(side * now, 0, at) <= 0:
                continue
            crossed = self.order(side * before, 0, at) <= 0
            turned = (
                self.order(side * now, side * before, at) > 0
                and self.order(side * older, side * before, at) > 0
            )
            return side if crossed or turned else 0
        return 0

    def stochastic_rsi(self, at, trend):
        """Against the trend only."""
        if self.rsi_d is None or trend is None or self.rsi_d[at] is None:
            return None
        vote = self.outside(self.rsi_k[at], self.rsi_d[at])
        return vote if vote + trend == 0 else 0

    def power(self, at, trend):
        """Bulls or bears that weaken within a trend."""
        if trend is None:
            return None
        mean = self.ema[13]
        bull, bull_before = (self.high[k] - mean[k] for k in (at, at - 1))
        bear, bear_before = (self.low[k] - mean[k] for k in (at, at - 1))
        if trend == 1 and self.order(bear, 0, at) < 0 and self.order(bear, bear_before, at) > 0:
            return 1
        if trend == -1 and self.order(bull, 0, at) > 0 and self.order(bull, bull_before, at) < 0:
            return -1
        return 0

    def turning(self, column, at, low, high):
        """+1 below `low` and rising, -1 above `high` and falling."""
        if at < 1 or column[at] is None or column[at - 1] is None:
            return None
        now, before = column[at], column[at - 1]
        if now < low - self.index_tie and now - before > self.index_tie:
            return 1
        return -1 if now > high + self.index_tie and before - now > self.index_tie else 0

    def outside(self, fast, slow):
        """+1 with both below 20 and crossed upwards, -1 mirrored above 80."""
        if fast is None or slow is None:
            return None
        if max(fast, slow) < 20 - self.index_tie and fast - slow > self.index_tie:
            return 1
        return -1 if min(fast, slow) > 80 + self.index_tie and slow - fast > self.index_tie else 0

    def structure(self, at, name):
        """One sub-score of the price structure on bar `at`, which must have the bars for it."""
        close = self.close[at]
        if name == "range":
            top, bottom = max(self.high[at - 49 : at + 1]), min(self.low[at - 49 : at + 1])
            return 2 * (close - bottom) / (top - bottom) - 1
        if name == "trend":
            means = (close, self.ema[20][at], self.ema[50][at], self.ema[200][at])
            return sum(self.order(a, b, at) for a, b in pairwise(means)) / 3
        if name == "break":
            return float(self.broken(at))
        xs = [k - 9.5 for k in range(20)]
        rise = sum(x * y for x, y in zip(xs, self.close[at - 19 : at + 1], strict=True))
        return math.tanh(rise / sum(x * x for x in xs) * 20 / (4 * self.atr[at]))

    def broken(self, at):
        """+1 above the last confirmed swing high, -1 below the last swing low, 0 otherwise or when both."""
        above = below = False
        for middle in range(at - 2, 1, -1):
            beside = [k for k in range(middle - 2, middle + 3) if k != middle]
            if all(self.high[middle] > self.high[k] for k in beside):
                above = self.close[at] > self.high[middle]
                break
        for middle in range(at - 2, 1, -1):
            beside = [k for k in range(middle - 2, middle + 3) if k != middle]
            if all(self.low[middle] < self.low[k] for k in beside):
                below = self.close[at] < self.low[middle]
                break
        return above - below
