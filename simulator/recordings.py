"""Recorded candles, moved in time so that most of them are history and the rest plays forward."""

from __future__ import annotations

import bisect
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator import noise
from simulator.model import DAY_MS, HOUR_MS, MINUTE_MS, Candles, Instrument, Panel
from simulator.moment_files import read_moments
from simulator.moments import NOTHING, book_at, ticker_at, trades_before
from simulator.recording_files import (
    Recording,
    RecordingsUnusable,
    Series,
    finest,
    read_candles,
    read_funding,
    read_interest,
    read_ratios,
)
from simulator.sentiment import FUNDING_MS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from simulator.moments import Moments, RecordedBook, RecordedTicker
    from simulator.trades import Trades

TWO_THIRDS = 2 / 3
# Exchanges stamp a settlement some moments after the hour.
_SETTLEMENT_MS = MINUTE_MS - 1
# Open interest and account ratios come every five minutes; one or two may be late.
_SENTIMENT_MS = 15 * MINUTE_MS


class RecordedMarket:
    """Plays recorded candles; `shift_ms` is what was added to the recording's times.

    After its last candle there are no more, for any symbol: the tape says `ended` then.
    """

    source = "recordings"

    def __init__(
        self,
        *,
        recordings: Sequence[Recording],
        base_ms: int,
        shift_ms: int,
        seed: int,
        funding: Mapping[str, Series],
        interest: Mapping[str, Series] = MappingProxyType({}),
        ratios: Mapping[str, Series] = MappingProxyType({}),
        moments: Mapping[str, Moments] = MappingProxyType({}),
    ) -> None:
        self.seed = seed
        self.base_ms = base_ms
        self.shift_ms = shift_ms
        self.betas: Mapping[str, float] = {}
        self._funding = funding
        self._interest = interest
        self._ratios = ratios
        self._moments = moments
        self._runs = [_moved(one.candles, shift_ms) for one in recordings]
        self.first_index = min(int(run.open_ms[0]) for run in self._runs) // base_ms
        self.stop_index: int | None = max(int(run.open_ms[-1]) for run in self._runs) // base_ms + 1
        self.instruments = _instruments(recordings, self._runs, base_ms, seed)
        self._panel = _panel(self._runs, base_ms, self.first_index, self.stop_index)

    def base(self, series: int, first: int, stop: int) -> Candles:
        """The recorded candles of one series; see the Market contract."""
        run = self._runs[series]
        left, right = np.searchsorted(run.open_ms, [first * self.base_ms, stop * self.base_ms])
        return run.cut(slice(int(left), int(right)))

    def panel(self, first: int, stop: int) -> Panel:
        """The recorded candles of all series; see the Market contract."""
        return self._panel.between(first - self.first_index, stop - self.first_index)

    def funding_rate(self, instrument: Instrument, at_ms: int) -> float | None:
        """The rate that was in force in the recording at that moment, None before and long after it."""
        moment = at_ms - self.shift_ms + _SETTLEMENT_MS
        return _newest(self._funding, instrument, moment, holds_ms=FUNDING_MS)

    def open_interest(self, instrument: Instrument, at_ms: int) -> float | None:
        """The recorded open interest in amounts of the coin; see the Market contract."""
        return _newest(self._interest, instrument, at_ms - self.shift_ms, holds_ms=_SENTIMENT_MS)

    def account_ratio(self, instrument: Instrument, at_ms: int) -> float | None:
        """The recorded number of long accounts for each short one; see the Market contract."""
        return _newest(self._ratios, instrument, at_ms - self.shift_ms, holds_ms=_SENTIMENT_MS)

    def trades_before(self, instrument: Instrument, second: int, count: int) -> Trades | None:
        """The newest recorded trades; see the Market contract."""
        run = self._moments.get(instrument.base, NOTHING).trades
        return trades_before(run, second * 1000 - self.shift_ms, count, self.shift_ms)

    def book_at(self, instrument: Instrument, second: int) -> RecordedBook | None:
        """The recorded book; see the Market contract."""
        books = self._moments.get(instrument.base, NOTHING).books
        return book_at(books, second * 1000 - self.shift_ms)

    def ticker_at(self, instrument: Instrument, second: int) -> RecordedTicker | None:
        """The recorded ticker; see the Market contract."""
        tickers = self._moments.get(instrument.base, NOTHING).tickers
        return ticker_at(tickers, second * 1000 - self.shift_ms)


def load(folder: Path, *, now_ms: int, seed: int, history_share: float = TWO_THIRDS) -> RecordedMarket:
    """Read the finest `candles-*.csv(.gz)` of a folder; raises RecordingsUnusable with one sentence."""
    path, base_ms = finest(folder)
    moments = read_moments(folder)
    try:
        recordings = tuple(moments.fitted(one) for one in read_candles(path, base_ms))
        by_coin = {one.base: moments.of(one) for one in recordings}
    except (ValueError, OverflowError) as error:
        raise RecordingsUnusable(f"{folder}: has a trade that cannot be used: {error}") from error
    first = min(int(one.candles.open_ms[0]) for one in recordings)
    last = max(int(one.candles.open_ms[-1]) for one in recordings) + base_ms
    shift = _shift(first, last, now_ms=now_ms, history_share=history_share, base_ms=base_ms)
    return RecordedMarket(
        recordings=recordings,
        base_ms=base_ms,
        shift_ms=shift,
        seed=seed,
        funding=read_funding(folder),
        interest=read_interest(folder),
        ratios=read_ratios(folder),
        moments=by_coin,
    )


def _shift(first: int, last: int, *, now_ms: int, history_share: float, base_ms: int) -> int:
    """The move that puts the share of the recording (or up to one unit more) behind now.

    Units are 4 h, so that candles up to 4 h keep their bounds; a recording of less than a day moves by
    whole base candles.
    """
    unit = 4 * HOUR_MS if last - first >= DAY_MS else base_ms
    wanted = now_ms - (first + int((last - first) * history_share))
    return wanted // unit * unit


def _newest(
    series: Mapping[str, Series], instrument: Instrument, moment_ms: int, *, holds_ms: int
) -> float | None:
    """The newest value at or before a moment of the recording that is not too old to stand for it."""
    times, values = series.get(instrument.base, ([], []))
    place = bisect.bisect_right(times, moment_ms) - 1
    if place < 0 or moment_ms - times[place] >= holds_ms:
        return None
    return values[place]


def _moved(candles: Candles, shift_ms: int) -> Candles:
    return Candles(candles.open_ms + shift_ms, *candles.columns()[1:])


def _instruments(
    recordings: Sequence[Recording], runs: Sequence[Candles], base_ms: int, seed: int
) -> tuple[Instrument, ...]:
    return tuple(
        Instrument(
            category=category,
            symbol=one.base + "USDT",
            base=one.base,
            series=series,
            price_decimals=one.price_decimals,
            qty_decimals=one.qty_decimals,
            listed_at_ms=int(run.open_ms[0]),
            key=noise.key(seed, category, one.base + "USDT"),
            symbol_id=series + 1,
            daily_volume=int(run.volume.mean() * (DAY_MS // base_ms)) + 1,
        )
        for category in ("linear", "spot")
        for series, (one, run) in enumerate(zip(recordings, runs, strict=True))
    )


def _panel(runs: Sequence[Candles], base_ms: int, first: int, stop: int) -> Panel:
    """All series on one grid; a missing candle is flat at the last close (before the first: at its open)."""
    rows = [_on_grid(run, base_ms, first, stop) for run in runs]
    return Panel(*(np.stack(column) for column in zip(*rows, strict=True)))


def _on_grid(run: Candles, base_ms: int, first: int, stop: int) -> list[Any]:
    place = run.open_ms // base_ms - first
    known = np.searchsorted(place, np.arange(stop - first), side="right") - 1
    flat = np.where(known >= 0, run.close[np.maximum(known, 0)], run.open[0])
    nothing = np.zeros(stop - first, dtype=np.int64)
    filled = []
    for column, gaps in zip(run.columns()[1:], (flat, flat, flat, flat, nothing, nothing * 0.0), strict=True):
        row = gaps.copy()
        row[place] = column
        filled.append(row)
    return filled
