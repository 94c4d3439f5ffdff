"""The intervals of candles that Bybit knows, and where their candles open."""

from __future__ import annotations

import numpy as np

from simulator.model import DAY_MS, HOUR_MS, MINUTE_MS, WEEK_MS, Ints

MONTH = "M"
# Bybit's name: length in ms. A month's length is only a bound; its opens come from the calendar.
INTERVALS = {
    "1": MINUTE_MS,
    "3": 3 * MINUTE_MS,
    "5": 5 * MINUTE_MS,
    "15": 15 * MINUTE_MS,
    "30": 30 * MINUTE_MS,
    "60": HOUR_MS,
    "120": 2 * HOUR_MS,
    "240": 4 * HOUR_MS,
    "360": 6 * HOUR_MS,
    "720": 12 * HOUR_MS,
    "D": DAY_MS,
    "W": WEEK_MS,
    MONTH: 31 * DAY_MS,
}
# 1970-01-01 was a Thursday; weeks open on Mondays.
_WEEK_OFFSET_MS = 4 * DAY_MS


def opens_of(times_ms: Ints, interval: str) -> Ints:
    """The open time of the candle that each time falls into."""
    if interval == MONTH:
        months = times_ms.astype("datetime64[ms]").astype("datetime64[M]")
        return months.astype("datetime64[ms]").astype(np.int64)
    length = INTERVALS[interval]
    offset = _WEEK_OFFSET_MS if interval == "W" else 0
    return (times_ms - offset) // length * length + offset


def open_of(time_ms: int, interval: str) -> int:
    """The open time of the candle that one time falls into."""
    return int(opens_of(np.array([time_ms], dtype=np.int64), interval)[0])
