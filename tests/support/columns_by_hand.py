"""Indicators written a second time, with plain loops over lists: None where nothing can be computed.

No numpy and no TA-Lib. What is computed at a bar depends on that bar and earlier ones alone.
"""

from __future__ import annotations

import math
from itertools import pairwise


def sma(values, n):
    """Simple means of n."""
    return [
        None
        if at + 1 < n or None in values[at + 1 - n : at + 1]
        else math.fsum(values[at + 1 - n : at + 1]) / n
        for at in range(len(values))
    ]


def wma(values, n):
    """Linearly weighted means of n."""
    whole = n * (n + 1) / 2
    means = []
    for at in range(len(values)):
        window = values[max(0, at + 1 - n) : at + 1]
        short = len(window) < n or None in window
        means.append(None if short else sum((k + 1) * value for k, value in enumerate(window)) / whole)
    return means


def ema(values, n):
    """Seeded with the mean of the first n values that are there."""
    return _recursive(values, n, 2 / (n + 1))


def wilder(values, n):
    """Wilder's means, seeded likewise."""
    return _recursive(values, n, 1 / n)


def _recursive(values, n, weight):
    means, seen, mean = [], [], None
    for value in values:
        if value is not None and mean is not None:
            mean = mean + weight * (value - mean)
        elif value is not None:
            seen.append(value)
            mean = math.fsum(seen) / n if len(seen) == n else None
        means.append(mean)
    return means


def minus(left, right):
    """Differences, None where either is."""
    return [None if a is None or b is None else a - b for a, b in zip(left, right, strict=True)]


def extreme(values, n, choose):
    """Highest or lowest of n."""
    return [
        None if at + 1 < n or None in values[at + 1 - n : at + 1] else choose(values[at + 1 - n : at + 1])
        for at in range(len(values))
    ]


def place(close, high, low, n, tie):
    """100 (close - lowest) / (highest - lowest) over n bars."""
    top, bottom = extreme(high, n, max), extreme(low, n, min)
    return [
        None if a is None or b is None or a - b <= tie else 100 * (c - b) / (a - b)
        for c, a, b in zip(close, top, bottom, strict=True)
    ]


def rsi(close, n):
    """Relative strength, 0 to 100."""
    moves = [None] + [b - a for a, b in pairwise(close)]
    gains = wilder([None if move is None else max(move, 0.0) for move in moves], n)
    losses = wilder([None if move is None else max(-move, 0.0) for move in moves], n)
    return [
        None if g is None or g + fall <= 1e-14 * c else 100 * g / (g + fall)
        for g, fall, c in zip(gains, losses, close, strict=True)
    ]


def true_range(high, low, close):
    """True ranges; the first bar has none."""
    return [None] + [
        max(h, before) - min(low_, before) for h, low_, before in zip(high[1:], low[1:], close, strict=False)
    ]


def directional(high, low, close, n, tie=1e-12):
    """(ADX, +DI, -DI); Wilder's sums are n times his means. `tie` is a share of the close."""
    up, down = [None], [None]
    for at in range(1, len(high)):
        rise, fall = high[at] - high[at - 1], low[at - 1] - low[at]
        equal = tie * close[at]
        up.append(rise if rise - fall > equal and rise > 0 else 0.0)
        down.append(fall if fall - rise > equal and fall > 0 else 0.0)
    ranges = wilder(true_range(high, low, close), n)
    plus, down = (
        [None if m is None or not r else 100 * m / r for m, r in zip(wilder(moves, n), ranges, strict=True)]
        for moves in (up, down)
    )
    dx = [
        None if p is None or m is None or p + m <= 0 else 100 * abs(p - m) / (p + m)
        for p, m in zip(plus, down, strict=True)
    ]
    return wilder(dx, n), plus, down


def cci(close, n):
    """Commodity channel index of the close."""
    index = [None] * len(close)
    for at in range(n - 1, len(close)):
        window = close[at + 1 - n : at + 1]
        mean = math.fsum(window) / n
        deviation = math.fsum(abs(value - mean) for value in window) / n
        if deviation > 1e-12 * close[at]:
            index[at] = (close[at] - mean) / (0.015 * deviation)
    return index


def ultimate(high, low, close):
    """Ultimate oscillator of 7, 14 and 28 bars."""
    floors = [None, *map(min, low[1:], close)]
    pressures = [None] + [c - floor for c, floor in zip(close[1:], floors[1:], strict=True)]
    spans = [None] + [
        max(h, before) - floor for h, before, floor in zip(high[1:], close, floors[1:], strict=False)
    ]
    values = [None] * len(close)
    for at in range(28, len(close)):
        total = 0.0
        for n, weight in ((7, 4), (14, 2), (28, 1)):
            span = math.fsum(spans[at + 1 - n : at + 1])
            if span <= 1e-12 * close[at]:
                break
            total += weight * math.fsum(pressures[at + 1 - n : at + 1]) / span
        else:
            values[at] = 100 * total / 7
    return values
