"""The newest value of what is linear in its input: one weighted sum, with weights that only the length sets.

Each row of weights runs over as many bars as the series has, oldest first. Over prices less the newest
close a row that sums to 1 gives a mean less that close, and one that sums to 0 a difference of means.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from market.model import Floats

MEANS = {f"{kind}{length}": length for kind in ("sma", "ema") for length in (10, 20, 30, 50, 100, 200)}
"""The simple and the exponential means of the close, and their lengths."""
POWER = 13
HULL, SLOPE = 9, 20
MACD_FAST, MACD_SLOW, MACD_SIGNAL = 12, 26, 9
# Most series have the same length. The rest are few, and short.
LENGTHS_KEPT = 1024


def simple(bars: int, length: int, ago: int = 0) -> Floats:
    """The mean of `length` bars, the newest of them `ago` bars old."""
    weights = np.zeros(bars)
    weights[bars - ago - length : bars - ago] = 1.0 / length
    return weights


def recursive(bars: int, length: int, share: float, ago: int = 0) -> Floats:
    """The recursion e = share x + (1 - share) e `ago` bars ago, begun with the mean of the first `length`.

    A value keeps share (1 - share)^age; the first ones have a `length`th of the seed's (1 - share)^age each.
    """
    newest = bars - 1 - ago
    age = newest - np.arange(bars)
    weights = share * (1.0 - share) ** np.maximum(age, 0)
    weights[:length] = (1.0 - share) ** (newest - length + 1) / length
    weights[newest + 1 :] = 0.0
    return weights


def exponential(bars: int, length: int, ago: int = 0) -> Floats:
    """The exponential mean, which takes 2 / (length + 1) of each new value."""
    return recursive(bars, length, 2.0 / (length + 1), ago)


@lru_cache(maxsize=LENGTHS_KEPT)
def wilder(bars: int, length: int) -> Floats:
    """Wilder's mean (1978), which takes a `length`th of each new value."""
    return recursive(bars, length, 1.0 / length)


@lru_cache(maxsize=LENGTHS_KEPT)
def wilder_steps(count: int, length: int) -> Floats:
    """Row k: Wilder's mean k steps after one that is known, over it and the `count` - 1 values since."""
    share = 1.0 / length
    since = np.subtract.outer(np.arange(count), np.arange(count))
    weights = np.where(since >= 0, share * (1.0 - share) ** np.maximum(since, 0), 0.0)
    weights[:, 0] = (1.0 - share) ** np.arange(count)
    return weights


def histogram(bars: int) -> Floats:
    """The MACD line (EMA12 - EMA26) less its own EMA9 (Appel), whose first value is at the 26th close."""
    begin = MACD_SLOW - 1
    of_line = np.zeros(bars)
    of_line[begin:] = -exponential(bars - begin, MACD_SIGNAL)
    of_line[-1] += 1.0
    return _through(of_line, MACD_FAST) - _through(of_line, MACD_SLOW)


def _through(weights: Floats, length: int) -> Floats:
    """Weights of an exponential mean's values turned into weights of what it is the mean of.

    g = w + (1 - share) g from the newest bar back: all that a value goes into, each older by one step.
    """
    share = 2.0 / (length + 1)
    back = accumulate(weights[::-1].tolist(), lambda older, weight: weight + (1.0 - share) * older)
    passed = np.array(list(back))[::-1]
    found = share * passed
    found[:length] = passed[length - 1] / length
    return found


def hull(bars: int) -> Floats:
    """WMA(2 WMA(n / 2) - WMA(n), sqrt(n)) (Hull 2005) with half and root floored: 11 bars for n = 9."""

    def linear(length: int) -> Floats:
        return np.arange(1.0, length + 1) / (length * (length + 1) / 2)

    half = np.zeros(HULL)
    half[HULL - HULL // 2 :] = linear(HULL // 2)
    return _newest(bars, np.convolve(2 * half - linear(HULL), linear(int(HULL**0.5))))


def slope(bars: int) -> Floats:
    """The least-squares line through equally spaced points: sum(t y) / sum(t^2), t from their middle."""
    steps = np.arange(SLOPE) - (SLOPE - 1) / 2
    return _newest(bars, np.asarray(steps / (steps @ steps)))


def _newest(bars: int, weights: Floats) -> Floats:
    return np.concatenate((np.zeros(bars - len(weights)), weights))


@lru_cache(maxsize=LENGTHS_KEPT)
def of_closes(bars: int) -> tuple[Mapping[str, int], Floats]:
    """What is computed from the closes alone, as rows (row, bar), and the number of each row by its name.

    Those that need more bars are not among them.
    """
    rows = {
        name: (simple if name.startswith("sma") else exponential)(bars, length)
        for name, length in MEANS.items()
        if length <= bars
    }
    if bars >= HULL + int(HULL**0.5) - 1:
        rows["hma9"] = hull(bars)
    if bars >= SLOPE:
        rows["slope20"] = slope(bars)
    if bars >= MACD_SLOW + MACD_SIGNAL - 1:
        rows["histogram"] = histogram(bars)
    if bars > POWER:
        rows |= {
            "ema13": exponential(bars, POWER),
            "ema13 before": exponential(bars, POWER, ago=1),
        }
    matrix = np.array(list(rows.values())).reshape(len(rows), bars)
    return {name: number for number, name in enumerate(rows)}, matrix


@lru_cache(maxsize=8)
def oscillation(fast: int, slow: int, bars: int) -> Floats:
    """Row k: the mean of `fast` less that of `slow` bars (Williams), as of the k-th of the newest `bars`."""
    window = slow + bars - 1
    return np.array([simple(window, fast, ago) - simple(window, slow, ago) for ago in reversed(range(bars))])
