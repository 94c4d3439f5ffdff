"""What has traded so far: the market cut at the exchange's clock, in any interval."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulator.intervals import INTERVALS, open_of, opens_of
from simulator.market import Market
from simulator.model import (
    DAY_MS,
    HOUR_MS,
    Candles,
    Instrument,
    Ints,
    Panel,
    Reals,
    grouped,
    joined,
    no_candles,
)
from simulator.split import split
from simulator.walk import Walk, flow, volume_at, walk_through

_KEPT_CANDLES = 1000
_KEPT_IN_ALL = 450_000


@dataclass(frozen=True, slots=True)
class Board:
    """What holds for all series during one base candle; arrays of shape (series,)."""

    index: int
    column: Panel
    walk: Walk
    shares: Reals
    high_24h: Ints
    low_24h: Ints
    volume_24h: Ints
    turnover_24h: Reals
    open_24h: Ints
    open_1h: Ints


@dataclass(frozen=True, slots=True)
class Forming:
    """The unfinished base candles of all series at one second; arrays of shape (series,)."""

    second: int
    step: int
    board: Board
    high: Ints
    low: Ints
    last: Ints
    previous: Ints


class Tape:
    """Answers what an exchange knows at its clock's whole second; later prices stay hidden."""

    def __init__(self, *, market: Market, clock: Callable[[], float]) -> None:
        self.market = market
        self._clock = clock
        self._seconds = market.base_ms // 1000
        self._keys = np.zeros(1 + max(one.series for one in market.instruments), dtype=np.int64)
        for instrument in market.instruments:
            if instrument.category == "linear":
                self._keys[instrument.series] = instrument.key
        self._board: Board | None = None
        self._forming: Forming | None = None
        self._closed: OrderedDict[tuple[int, str], tuple[int, int, Candles]] = OrderedDict()
        self._closed_rows = 0

    def second(self) -> int:
        """The exchange's clock in whole Unix seconds."""
        return int(self._clock())

    def ended(self, second: int) -> bool:
        """Whether the source has no candle for this second any more."""
        stop = self.market.stop_index
        return stop is not None and second * 1000 // self.market.base_ms >= stop

    def forming(self, second: int) -> Forming:
        """The state of all series at a second (the last one that the source covers)."""
        base_ms = self.market.base_ms
        if self.ended(second) and self.market.stop_index is not None:
            index, step = self.market.stop_index - 1, self._seconds
        else:
            index = second * 1000 // base_ms
            step = second - index * base_ms // 1000
        if self._forming is None or (self._forming.board.index, self._forming.step) != (index, step):
            board = self._board_at(index)
            high, low = board.walk.range_between(0, step)
            last, previous = board.walk.price_at(step), board.walk.price_at(max(step - 1, 0))
            self._forming = Forming(second, step, board, high, low, last, previous)
        return self._forming

    def candles(
        self, instrument: Instrument, interval: str, first_ms: int, last_ms: int, second: int
    ) -> Candles:
        """The candles whose open time lies in [first_ms, last_ms], oldest first, the forming one as it stands."""
        if interval in {"W", "M"}:
            days = self.candles(
                instrument, "D", open_of(first_ms, interval), last_ms + INTERVALS[interval], second
            )
            groups = grouped(days, opens_of(days.open_ms, interval))
            return groups.cut((groups.open_ms >= first_ms) & (groups.open_ms <= last_ms))
        length = INTERVALS[interval]
        base_ms = self.market.base_ms
        now_open = second * 1000 // length * length
        first = max(-(-first_ms // length) * length, self.market.first_index * base_ms // length * length)
        stop = min(last_ms // length * length + length, now_open + length)
        if stop <= first:
            return no_candles()
        if length < base_ms:
            return self._finer(instrument, length, first, stop, second)
        closed = self._closed_candles(instrument, interval, first, min(stop, now_open))
        if stop <= now_open:
            return closed
        forming = self._known(instrument, max(first, now_open) // base_ms, stop // base_ms, second)
        return joined([closed, grouped(forming, forming.open_ms // length * length)])

    def flow_key(self, instrument: Instrument) -> int:
        """The key of the series' volume flow, shared by all instruments of the series."""
        return int(self._keys[instrument.series])

    def volume_so_far(self, instrument: Instrument, forming: Forming) -> int:
        """Steps of an instrument that have traded in the unfinished base candle."""
        whole = int(forming.board.column.volume[instrument.series]) // instrument.volume_divisor
        share = forming.board.shares[instrument.series, forming.step]
        return int(volume_at(np.int64(whole), share))

    def _closed_candles(self, instrument: Instrument, interval: str, first: int, stop: int) -> Candles:
        """Finished candles with first <= open < stop; the newest of each interval are remembered."""
        length = INTERVALS[interval]
        if stop <= first:
            return no_candles()
        if length == self.market.base_ms:
            return self._base(instrument, first // length, stop // length)
        key = (instrument.key, interval)
        kept_first, kept_stop, kept = self._closed.get(key, (stop, stop, no_candles()))
        if kept_first <= first <= kept_stop:
            if stop > kept_stop:
                kept = joined([kept, self._aggregate(instrument, length, kept_stop, stop)])
                self._remember(key, kept_first, stop, kept, length)
        elif stop >= kept_stop:
            kept = self._aggregate(instrument, length, first, stop)
            self._remember(key, first, stop, kept, length)
        else:
            return self._aggregate(instrument, length, first, stop)
        if len(kept) == (stop - first) // length:
            return kept
        return kept.cut((kept.open_ms >= first) & (kept.open_ms < stop))

    def _remember(self, key: tuple[int, str], first: int, stop: int, candles: Candles, length: int) -> None:
        first = max(first, stop - _KEPT_CANDLES * length)
        kept = candles.cut(candles.open_ms >= first)
        self._closed_rows += len(kept) - len(self._closed.pop(key, (0, 0, no_candles()))[2])
        self._closed[key] = (first, stop, kept)
        while self._closed_rows > _KEPT_IN_ALL:
            _, (_, _, oldest) = self._closed.popitem(last=False)
            self._closed_rows -= len(oldest)

    def _aggregate(self, instrument: Instrument, length: int, first: int, stop: int) -> Candles:
        # In portions of about a month, so that a long request does not need much memory at once.
        portion = max(length, 32 * DAY_MS // length * length)
        runs = []
        for start in range(first, stop, portion):
            base_ms = self.market.base_ms
            until = min(start + portion, stop)
            base = self._base(instrument, start // base_ms, until // base_ms)
            runs.append(grouped(base, base.open_ms // length * length))
        return joined(runs)

    def _base(self, instrument: Instrument, first: int, stop: int) -> Candles:
        base = self.market.base(instrument.series, first, stop)
        return _divided(base, instrument.volume_divisor)

    def _known(self, instrument: Instrument, first: int, stop: int, second: int) -> Candles:
        """Base candles first <= index < stop as far as they have happened, the last one unfinished."""
        forming = self.forming(second)
        index = forming.board.index
        if stop <= index or self.ended(second):
            return self._base(instrument, first, stop)
        whole = self._base(instrument, first, index + 1)
        if not len(whole) or whole.open_ms[-1] != index * self.market.base_ms:
            return whole
        volume = self.volume_so_far(instrument, forming)
        share = volume / max(int(whole.volume[-1]), 1)
        return Candles(
            whole.open_ms,
            whole.open,
            _with_last(whole.high, forming.high[instrument.series]),
            _with_last(whole.low, forming.low[instrument.series]),
            _with_last(whole.close, forming.last[instrument.series]),
            _with_last(whole.volume, volume),
            _with_last(whole.turnover, whole.turnover[-1] * share),
        )

    def _finer(self, instrument: Instrument, length: int, first: int, stop: int, second: int) -> Candles:
        base_ms = self.market.base_ms
        whole = self._base(instrument, first // base_ms, -(-stop // base_ms))
        parts = split(
            whole,
            key=int(self._keys[instrument.series]),
            base_seconds=self._seconds,
            part_seconds=length // 1000,
            known_until=second,
        )
        return parts.cut((parts.open_ms >= first) & (parts.open_ms < stop))

    def _board_at(self, index: int) -> Board:
        if self._board is not None and self._board.index == index:
            return self._board
        market = self.market
        first = max(index - DAY_MS // market.base_ms, market.first_index)
        hour = max(index - HOUR_MS // market.base_ms, market.first_index)
        day = market.panel(first, index + 1)
        column = Panel(
            *(
                np.ascontiguousarray(part[:, -1])
                for part in (day.open, day.high, day.low, day.close, day.volume)
            ),
            np.ascontiguousarray(day.turnover[:, -1]),
        )
        past = slice(0, index - first)
        self._board = Board(
            index=index,
            column=column,
            walk=walk_through(
                opens=column.open,
                highs=column.high,
                lows=column.low,
                closes=column.close,
                seconds=self._seconds,
            ),
            shares=flow(self._keys, index, self._seconds),
            high_24h=day.high[:, past].max(axis=1, initial=0),
            low_24h=day.low[:, past].min(axis=1, initial=np.iinfo(np.int64).max),
            volume_24h=day.volume[:, past].sum(axis=1),
            turnover_24h=day.turnover[:, past].sum(axis=1),
            open_24h=np.ascontiguousarray(day.open[:, 0]),
            open_1h=np.ascontiguousarray(day.open[:, hour - first]),
        )
        return self._board


def _divided(candles: Candles, divisor: int) -> Candles:
    if divisor == 1:
        return candles
    volume = candles.volume // divisor
    share = volume / np.maximum(candles.volume, 1)
    return Candles(
        candles.open_ms,
        candles.open,
        candles.high,
        candles.low,
        candles.close,
        volume,
        candles.turnover * share,
    )


def _with_last(column: Ints, value: float | np.int64) -> Ints:
    changed = column.copy()
    changed[-1] = value
    return changed
