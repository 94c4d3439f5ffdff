"""What has traded so far: the market cut at the exchange's clock, in any interval."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from simulator.board import Board, Forming, board_at, forming_at
from simulator.intervals import INTERVALS, open_of, opens_of
from simulator.kept import KeptCandles
from simulator.model import DAY_MS, Candles, grouped, joined, no_candles
from simulator.split import split

if TYPE_CHECKING:
    from simulator.market import Market
    from simulator.model import Instrument

_NEVER_MS = 1 << 53
_PORTION_MS = 32 * DAY_MS


class Tape:
    """Answers what an exchange knows at a whole second of its clock; later prices stay hidden."""

    def __init__(self, *, market: Market) -> None:
        self.market = market
        self._seconds = market.base_ms // 1000
        self._keys = np.zeros(1 + max(one.series for one in market.instruments), dtype=np.int64)
        for instrument in market.instruments:
            if instrument.category == "linear":
                self._keys[instrument.series] = instrument.key
        self._board: Board | None = None
        self._forming: Forming | None = None
        self._kept = KeptCandles()

    def ended(self, second: int) -> bool:
        """Whether the source has no candle for this second any more."""
        stop = self.market.stop_index
        return stop is not None and second * 1000 // self.market.base_ms >= stop

    def last_ms(self) -> int:
        """The last moment of the source's last candle; a far future for an endless source."""
        stop = self.market.stop_index
        return _NEVER_MS if stop is None else stop * self.market.base_ms - 1

    def flow_key(self, instrument: Instrument) -> int:
        """The key of the series' volume flow, shared by all instruments of the series."""
        return int(self._keys[instrument.series])

    def forming(self, second: int) -> Forming:
        """The state of all series at a second (after the source's end: at its end)."""
        if self._forming is not None and self._forming.second == second:
            return self._forming
        stop = self.market.stop_index
        index, step = divmod(second, self._seconds)
        if stop is not None and index >= stop:
            index, step = stop - 1, self._seconds
        if self._board is None or self._board.index != index:
            self._board = board_at(self.market, self._keys, index)
        self._forming = forming_at(self._board, second=second, step=step)
        return self._forming

    def candles(
        self, instrument: Instrument, interval: str, first_ms: int, last_ms: int, second: int
    ) -> Candles:
        """The candles that open in [first_ms, last_ms], oldest first, the forming one as it stands."""
        if interval in {"W", "M"}:
            return self._longer_than_a_day(instrument, interval, first_ms, last_ms, second)
        length, base_ms = INTERVALS[interval], self.market.base_ms
        now_open = second * 1000 // length * length
        first = max(-(-first_ms // length) * length, self.market.first_index * base_ms // length * length)
        stop = min(last_ms // length * length + length, now_open + length)
        if stop <= first:
            return no_candles()
        if length < base_ms:
            return self._finer(instrument, length, first, stop, second)
        closed = self._closed(instrument, interval, first, min(stop, now_open))
        if stop <= now_open:
            return closed
        forming = self._so_far(instrument, max(first, now_open) // base_ms, stop // base_ms, second)
        return joined([closed, grouped(forming, forming.open_ms // length * length)])

    def base(self, instrument: Instrument, first: int, stop: int) -> Candles:
        """Whole base candles of an instrument, future ones too: first <= index < stop."""
        candles = self.market.base(instrument.series, first, stop)
        if instrument.volume_divisor == 1:
            return candles
        volume = candles.volume // instrument.volume_divisor
        turnover = candles.turnover * volume / np.maximum(candles.volume, 1)
        return replace(candles, volume=volume, turnover=turnover)

    def _longer_than_a_day(
        self, instrument: Instrument, interval: str, first_ms: int, last_ms: int, second: int
    ) -> Candles:
        until = last_ms + INTERVALS[interval]
        days = self.candles(instrument, "D", open_of(first_ms, interval), until, second)
        groups = grouped(days, opens_of(days.open_ms, interval))
        return groups.cut((groups.open_ms >= first_ms) & (groups.open_ms <= last_ms))

    def _closed(self, instrument: Instrument, interval: str, first: int, stop: int) -> Candles:
        """Finished candles with first <= open < stop; the newest of each interval are remembered."""
        length = INTERVALS[interval]
        if stop <= first:
            return no_candles()
        if length == self.market.base_ms:
            return self.base(instrument, first // length, stop // length)
        return self._kept.between(
            (instrument.key, interval),
            first,
            stop,
            length=length,
            compute=lambda start, until: self._aggregated(instrument, length, start, until),
        )

    def _aggregated(self, instrument: Instrument, length: int, first: int, stop: int) -> Candles:
        # In portions, so that a long request does not need much memory at once; all lengths divide a day.
        base_ms = self.market.base_ms
        runs = []
        while first < stop:
            until = min((first // _PORTION_MS + 1) * _PORTION_MS, stop)
            base = self.base(instrument, first // base_ms, until // base_ms)
            runs.append(grouped(base, base.open_ms // length * length))
            first = until
        return joined(runs)

    def _so_far(self, instrument: Instrument, first: int, stop: int, second: int) -> Candles:
        """Base candles first <= index < stop as far as they have happened, the last one unfinished."""
        forming = self.forming(second)
        index = forming.board.index
        if stop <= index or self.ended(second):
            return self.base(instrument, first, stop)
        whole = self.base(instrument, first, index + 1)
        if not len(whole) or whole.open_ms[-1] != index * self.market.base_ms:
            return whole
        series, volume = instrument.series, forming.volume_of(instrument)
        share = volume / max(int(whole.volume[-1]), 1)
        last = Candles(
            whole.open_ms[-1:],
            whole.open[-1:],
            forming.high[[series]],
            forming.low[[series]],
            forming.last[[series]],
            np.array([volume], dtype=np.int64),
            whole.turnover[-1:] * share,
        )
        return joined([whole.cut(slice(0, -1)), last])

    def _finer(self, instrument: Instrument, length: int, first: int, stop: int, second: int) -> Candles:
        base_ms = self.market.base_ms
        parts = split(
            self.base(instrument, first // base_ms, -(-stop // base_ms)),
            key=self.flow_key(instrument),
            base_seconds=self._seconds,
            part_seconds=length // 1000,
            known_until=second,
        )
        return parts.cut((parts.open_ms >= first) & (parts.open_ms < stop))
