"""Series of candles: cut to what has closed, made contiguous, joined, and made coarser.

Pure functions over `Candles` and over raw rows, an (n, 6) array of open time in ms, open, high,
low, close and volume, oldest first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from market.model import PRICE_COLUMNS, TIMEFRAME_SECONDS, Candles

if TYPE_CHECKING:
    from market.model import Flags, Floats

# A hole longer than this joins nothing: filling it would only make rows up, and a single wrong
# time stamp would otherwise ask for gigabytes.
LONGEST_GAP_BARS = 10_000


def closed_only(candles: Candles, now: float) -> Candles:
    """The candles whose time is over at `now`, Unix seconds of the exchange's clock."""
    closed = int((now * 1000 - candles.first_open_ms) // candles.step_ms)
    return _first(candles, min(max(closed, 0), len(candles)))


def fill_gaps(timeframe: str, rows: Floats, *, bars: int = LONGEST_GAP_BARS) -> Candles:
    """Contiguous candles from raw rows; a missing one carries the last close, zero volume, `filled`.

    At most the newest `bars` are built. Rows must be aligned to the timeframe and strictly rising
    in time; a row before the window is carried into it.
    """
    step_ms = TIMEFRAME_SECONDS[timeframe] * 1000
    if not len(rows):
        return _empty(timeframe)
    times = rows[:, 0].astype(np.int64)
    first = max(int(times[0]), int(times[-1]) - (bars - 1) * step_ms)
    begin = int(np.searchsorted(times, first))
    columns = np.zeros((int(times[-1] - first) // step_ms + 1, 5))
    sent = np.zeros(len(columns), dtype=bool)
    if times[begin] > first:  # the window begins inside a hole: the bar before it is carried in
        columns[0] = rows[begin - 1, 4]
    places = (times[begin:] - first) // step_ms
    columns[places], sent[places] = rows[begin:, 1:6], True
    return _carried(timeframe, first, columns, sent)


def merge(old: Candles, new: Candles) -> Candles:
    """Both series as one; `new` overwrites, except that its filled bars never hide a sent one.

    A hole between the two is filled, unless it is longer than `LONGEST_GAP_BARS`: then the later
    series is the answer.
    """
    if not len(new) or not len(old):
        return old if len(old) else new
    _same_timeframe(old, new)
    step_ms = old.step_ms
    earlier, later = sorted((old, new), key=lambda series: series.first_open_ms)
    if later.first_open_ms - _end_ms(earlier) > LONGEST_GAP_BARS * step_ms:
        return later
    first = earlier.first_open_ms
    columns = np.zeros(((max(_end_ms(old), _end_ms(new)) - first) // step_ms, 5))
    sent = np.zeros(len(columns), dtype=bool)
    columns[0] = _matrix(earlier)[0]
    for series in (old, new):
        places = (series.first_open_ms - first) // step_ms + np.flatnonzero(~series.filled)
        columns[places], sent[places] = _matrix(series)[~series.filled], True
    return _carried(old.timeframe, first, columns, sent)


def aggregate(candles: Candles, timeframe: str) -> Candles:
    """The series in a coarser timeframe, from complete groups only; filled where all of a group was."""
    step_ms = TIMEFRAME_SECONDS[timeframe] * 1000
    per_group, rest = divmod(step_ms, candles.step_ms)
    if rest or not per_group:
        raise ValueError(f"{candles.timeframe} does not divide {timeframe}")
    first = -(-candles.first_open_ms // step_ms) * step_ms
    skip = (first - candles.first_open_ms) // candles.step_ms
    groups = max(0, len(candles) - skip) // per_group
    if not groups:
        return _empty(timeframe)

    def grouped(column: Floats) -> Floats:
        return column[skip : skip + groups * per_group].reshape(groups, per_group)

    return Candles(
        timeframe,
        first,
        open=grouped(candles.open)[:, 0].copy(),
        high=grouped(candles.high).max(axis=1),
        low=grouped(candles.low).min(axis=1),
        close=grouped(candles.close)[:, -1].copy(),
        volume=grouped(candles.volume).sum(axis=1),
        filled=grouped(candles.filled.astype(np.float64)).min(axis=1) > 0,
    )


def _carried(timeframe: str, first_open_ms: int, columns: Floats, sent: Flags) -> Candles:
    """Candles where each bar that was not sent repeats the close before it; bar 0 must hold a close."""
    source = np.maximum.accumulate(np.where(sent, np.arange(len(sent)), 0))
    close = columns[source, 3]
    prices = [np.where(sent, columns[:, column], close) for column in range(3)]
    return Candles(
        timeframe,
        first_open_ms,
        open=prices[0],
        high=prices[1],
        low=prices[2],
        close=close,
        volume=np.where(sent, columns[:, 4], 0.0),
        filled=~sent,
    )


def _first(candles: Candles, bars: int) -> Candles:
    prices = {name: getattr(candles, name)[:bars] for name in PRICE_COLUMNS}
    return Candles(candles.timeframe, candles.first_open_ms, **prices, filled=candles.filled[:bars])


def _empty(timeframe: str) -> Candles:
    return _carried(timeframe, 0, np.zeros((0, 5)), np.zeros(0, dtype=bool))


def _matrix(candles: Candles) -> Floats:
    return np.column_stack((candles.open, candles.high, candles.low, candles.close, candles.volume))


def _end_ms(candles: Candles) -> int:
    return candles.first_open_ms + len(candles) * candles.step_ms


def _same_timeframe(old: Candles, new: Candles) -> None:
    if old.timeframe != new.timeframe:
        raise ValueError(f"cannot join {old.timeframe} with {new.timeframe}")
