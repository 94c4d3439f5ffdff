"""Candles shorter than the source's own, read off the walk inside its candles."""

from __future__ import annotations

import numpy as np

from simulator.model import Candles
from simulator.walk import flow, volume_at, walk_through


def split(candles: Candles, *, key: int, base_seconds: int, part_seconds: int, known_until: int) -> Candles:
    """Parts of `part_seconds` of each candle, up to the Unix second `known_until`.

    Joined again they give the candle they came from: the same extremes, and the same volume in whole steps.
    """
    starts = np.arange(0, base_seconds, part_seconds)
    open_s = candles.open_ms[:, None] // 1000
    known = np.clip(known_until - open_s, -1, base_seconds)
    stops = np.minimum(starts + part_seconds, np.maximum(known, starts))
    walk = walk_through(
        opens=candles.open[:, None],
        highs=candles.high[:, None],
        lows=candles.low[:, None],
        closes=candles.close[:, None],
        seconds=base_seconds,
    )
    high, low = walk.range_between(starts, stops)
    shares = flow(np.array([key]), candles.open_ms // (base_seconds * 1000), base_seconds)
    volume = candles.volume[:, None]
    amount = volume_at(volume, np.take_along_axis(shares, stops, axis=1)) - volume_at(
        volume, shares[:, starts]
    )
    turnover = candles.turnover[:, None] * amount / np.maximum(volume, 1)
    happened = starts <= known
    columns = (
        (open_s + starts) * 1000,
        walk.price_at(starts),
        high,
        low,
        walk.price_at(stops),
        amount,
        turnover,
    )
    return Candles(*(np.broadcast_to(column, happened.shape)[happened] for column in columns))
