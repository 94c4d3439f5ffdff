"""Alerts of single bars: a return or a volume that stands out from those before it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from market.alerts import Sighting

if TYPE_CHECKING:
    from collections.abc import Callable

    from market.model import Candles, Floats

    Judge = Callable[[str, str, Candles, int], Sighting | None]

TIMEFRAME = "5m"
RETURN_Z = 4.0
RETURNS, FEWEST_RETURNS = 288, 30
"""A return is held against the up to 288 before it (a day), and against no fewer than 30."""
VOLUME_RATIO = 5.0
VOLUME_BARS = 20
MOST_FILLED = 0.05
MOST_LATE = 12
"""Bars that are still judged when nobody looked as they closed: an hour. See `alerts.NEWS_FOR_S` as well."""
FLAT = 1e-12


def of_candles(exchange: str, symbol: str, candles: Candles, *, after: float = -math.inf) -> list[Sighting]:
    """The newest bars that closed after `after` (Unix seconds), judged by return and by volume, oldest first.

    Told are bars that stand out, each that follows one, and the newest. A bar that the exchange did not
    send, or that has too little before it, is not judged.
    """
    judged = range(max(0, len(candles) - MOST_LATE), len(candles))
    places = [place for place in judged if not candles.filled[place] and closed_at(candles, place) > after]
    return [
        sighting
        for judge in (of_return, of_volume)
        for sighting in _worth_telling(_all(judge, exchange, symbol, candles, places))
    ]


def of_return(exchange: str, symbol: str, candles: Candles, place: int) -> Sighting | None:
    """Whether the log return of the bar at `place` lies 4 standard deviations from the mean of those before.

    Mean and sample standard deviation are of the up to 288 returns before it. None for fewer than 30, for
    prices that did not move, and where more than 5 % of the bars were filled.
    """
    first = max(0, place - RETURNS - 1)
    closes = candles.close[first : place + 1]
    if len(closes) < FEWEST_RETURNS + 2 or not _sound(closes) or _filled(candles, first, place):
        return None
    returns = np.diff(np.log(closes))
    before, newest = returns[:-1], float(returns[-1])
    mean, deviation = float(before.mean()), float(before.std(ddof=1))
    if deviation <= FLAT:
        return None
    z = (newest - mean) / deviation
    mark = closed_at(candles, place)
    if abs(z) < RETURN_Z:
        return Sighting("return", exchange, symbol, mark=mark)
    with np.errstate(over="ignore"):
        change = float(np.expm1(newest)) * 100
    if not math.isfinite(change):
        return None  # no market rises by a factor beyond all numbers
    return Sighting(
        "return",
        exchange,
        symbol,
        level="up" if z > 0 else "down",
        mark=mark,
        severity="warning",
        text=f"{TIMEFRAME} return of {change:+.2f} %, {abs(z):.1f} standard deviations from its mean",
        data={
            "z": z,
            "threshold": RETURN_Z,
            "log_return": newest,
            "mean": mean,
            "deviation": deviation,
            "returns": len(before),
            "closed_at": mark,
        },
    )


def of_volume(exchange: str, symbol: str, candles: Candles, place: int) -> Sighting | None:
    """Whether the volume of the bar at `place` is above 5 times the mean of the 20 before it.

    None for fewer bars, where nothing was traded in them, and where more than 5 % of them were filled.
    """
    first = place - VOLUME_BARS
    if first < 0 or _filled(candles, first, place):
        return None
    volumes = candles.volume[first : place + 1]
    if not (np.isfinite(volumes).all() and volumes.min() >= 0):
        return None
    with np.errstate(over="ignore"):
        mean, newest = float(volumes[:-1].mean()), float(volumes[-1])
    if not (0 < mean < math.inf) or not math.isfinite(newest / mean):
        return None
    mark, ratio = closed_at(candles, place), newest / mean
    if ratio <= VOLUME_RATIO:
        return Sighting("volume", exchange, symbol, mark=mark)
    return Sighting(
        "volume",
        exchange,
        symbol,
        level="up",
        mark=mark,
        text=f"{TIMEFRAME} volume {ratio:.1f} times its {VOLUME_BARS}-bar mean",
        data={
            "ratio": ratio,
            "threshold": VOLUME_RATIO,
            "volume": newest,
            "mean": mean,
            "closed_at": mark,
        },
    )


def closed_at(candles: Candles, place: int) -> float:
    """When the bar at `place` closed, in Unix seconds."""
    return (candles.first_open_ms + (place + 1) * candles.step_ms) / 1000


def _all(judge: Judge, exchange: str, symbol: str, candles: Candles, places: list[int]) -> list[Sighting]:
    sightings = (judge(exchange, symbol, candles, place) for place in places)
    return [sighting for sighting in sightings if sighting is not None]


def _worth_telling(judged: list[Sighting]) -> list[Sighting]:
    """Those at a level, what ends each of these, and the newest, which is not past."""
    kept = [
        replace(sighting, past=True)
        for previous, sighting in zip([None, *judged], judged[:-1], strict=False)
        if sighting.level or (previous is not None and previous.level)
    ]
    return [*kept, *judged[-1:]]


def _sound(prices: Floats) -> bool:
    return bool(np.isfinite(prices).all() and prices.min() > 0)


def _filled(candles: Candles, first: int, end: int) -> bool:
    return bool(candles.filled[first:end].mean() > MOST_FILLED)
