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
    shares = flow(key, candles.open_ms // (base_seconds * 1000), base_seconds)
    volume = candles.volume[:, None]
    before = volume_at(volume, shares[:, starts])
    amount = volume_at(volume, np.take_along_axis(shares, stops, axis=1)) - before
    turnover = candles.turnover[:, None] * amount / np.maximum(volume, 1)
    opens = (open_s + starts) * 1000
    happened = starts <= known
    return Candles(
        opens[happened],
        np.broadcast_to(walk.price_at(starts), happened.shape)[happened],
        high[happened],
        low[happened],
        walk.price_at(stops)[happened],
        amount[happened],
        turnover[happened],
    )
