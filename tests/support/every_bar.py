"""Our votes beside those of the rules to the letter, on every bar of a series.

The rules are applied by `ByHand` to prices in whole ticks: their sums and differences are then exact, so
that nothing has to count as equal which is not the same number.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from market.model import PRICE_COLUMNS
from market.technical_rating import ITEMS, technical_ratings
from tests.support.rating_by_hand import INDEX_TIE, PRICE_TIE, ByHand

# A block of bars is looked at from so many bars before it on: between 300 and 800 bars, as a worker does.
LEAD, BLOCK = 300, 500
MOST_DECIMALS = 10


class Departure(NamedTuple):
    """A vote of ours that is not the rule's; `ties` is how far apart the two numbers are that decide it.

    One tie is what still counts as equal: 1e-12 of a price, 1e-6 points of an index.
    """

    bar: int
    item: str
    ours: int | None
    rule: int | None
    ties: float


def departures(several):
    """By name of a series, every bar and item at which our vote is another than the rule's.

    Series of equal length are rated together, as a worker does.
    """
    found = {name: [] for name in several}
    for begin in range(0, max(map(len, several.values())), BLOCK):
        start = max(0, begin - LEAD)
        windows = {name: cut(candles, start, begin + BLOCK) for name, candles in several.items()}
        rules = {name: ByHand(in_ticks(window)).untied() for name, window in windows.items() if len(window)}
        for at in range(begin - start, max(map(len, windows.values()))):
            there = [name for name, window in windows.items() if len(window) > at]
            ratings = technical_ratings([cut(windows[name], 0, at + 1) for name in there])
            for name, rating in zip(there, ratings, strict=True):
                found[name] += differing(rules[name], start, at, rating.votes)
    return found


def differing(rules, start, at, ours):
    """The items of one bar whose vote is not the rule's."""
    theirs = rules.votes(at)
    if ours == theirs:
        return []
    return [
        Departure(start + at, item, ours[item], theirs[item], ties_apart(rules, item, at))
        for item in ITEMS
        if ours[item] != theirs[item]
    ]


def ties_apart(rules, item, at):
    """How many ties lie between the numbers that an item compares, the nearest two of them."""
    if item == "hma9":
        return abs(rules.hma[at] - rules.close[at]) / (PRICE_TIE * rules.close[at])
    turning = {"rsi14": (rules.rsi, (30.0, 70.0)), "cci20": (rules.cci, (-100.0, 100.0))}
    crossing = {"stochastic": (rules.k, rules.d), "stochastic_rsi": (rules.rsi_k, rules.rsi_d)}
    if item in turning:
        column, bounds = turning[item]
        pairs = [(column[at], other) for other in (column[at - 1], *bounds)]
    elif item in crossing:
        fast, slow = (column[at] for column in crossing[item])
        pairs = [(fast, slow), *((line, bound) for line in (fast, slow) for bound in (20.0, 80.0))]
    else:
        pairs = []
    known = [abs(one - other) for one, other in pairs if one is not None and other is not None]
    return min(known, default=math.inf) / INDEX_TIE


def cut(candles, begin, end):
    """The bars from `begin` to before `end`."""
    columns = {name: getattr(candles, name)[begin:end] for name in (*PRICE_COLUMNS, "filled")}
    return replace(candles, first_open_ms=candles.first_open_ms + begin * candles.step_ms, **columns)


def in_ticks(candles):
    """The same candles with prices that are whole numbers: counts of the last decimal that is used."""
    prices = np.concatenate([getattr(candles, name) for name in PRICE_COLUMNS[:4]])
    unit = next(
        10.0**decimals
        for decimals in range(MOST_DECIMALS)
        if np.allclose(np.round(prices * 10.0**decimals) / 10.0**decimals, prices, rtol=1e-13, atol=0.0)
    )
    return replace(candles, **{name: np.round(getattr(candles, name) * unit) for name in PRICE_COLUMNS[:4]})
