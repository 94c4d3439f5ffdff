"""Candles from an exchange: whole series in pages, then only what has closed since, with corrections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from market import validation
from market.candles import closed_only, fill_gaps, merge
from market.errors import BadAnswer, NotSupported
from market.model import PRICE_COLUMNS, TIMEFRAME_SECONDS
from market.particulars import CANDLES_IN_CONTRACTS

if TYPE_CHECKING:
    from market.asking import Asker
    from market.model import Candles, Floats

# Read again with the new candles: an exchange corrects a candle after its close, at times a few bars later.
OVERLAP_BARS = 3
# A series with filled gaps is loaded whole this often: the exchange may have the candles by then.
MEND_S = 900.0


class CandleFetching:
    """The candles of one exchange."""

    def __init__(self, ask: Asker) -> None:
        self._ask = ask

    def whole(self, symbol: str, timeframe: str, *, bars: int) -> Candles:
        """The newest `bars` closed candles; see `Exchange.candles`."""
        rows, now = self._rows(symbol, timeframe, bars + 1)
        return self._closed(rows, symbol, timeframe, now=now, bars=bars)

    def newer(self, previous: Candles, symbol: str, *, bars: int) -> Candles:
        """`previous` with what has closed since; see `Exchange.newer_candles`."""
        missing = int((self._ask.now() - previous.closed_at) * 1000 // previous.step_ms)
        if len(previous) and missing <= 0:
            return previous.tail(bars)
        few = missing + OVERLAP_BARS + 1  # and the running one
        if not len(previous) or few > bars or self._may_be_mended(previous):
            return self.whole(symbol, previous.timeframe, bars=bars)
        rows, now = self._rows(symbol, previous.timeframe, few)
        self._refuse_from_before(rows, previous, symbol)
        newer = self._closed(rows, symbol, previous.timeframe, now=now, bars=bars)
        if len(newer) and (
            newer.first_open_ms / 1000 > previous.closed_at or _corrects_first(newer, previous)
        ):
            return self.whole(symbol, previous.timeframe, bars=bars)
        return merge(previous, newer).tail(bars)

    def _may_be_mended(self, previous: Candles) -> bool:
        """Whether there are gaps in it, and it is time to ask for what was missing."""
        is_time = self._ask.now() // MEND_S > previous.closed_at // MEND_S
        return is_time and bool(previous.filled.any())

    def _refuse_from_before(self, rows: Floats, previous: Candles, symbol: str) -> None:
        """Raise `BadAnswer` for what a server sends that is behind the one which answered before.

        Its newest candle is older than ours, or it is ours before all of its trades were in.
        """
        newest_ms = previous.first_open_ms + (len(previous) - 1) * previous.step_ms
        if rows[-1, 0] < newest_ms:
            raise BadAnswer(self._ask.id, "candles going back in time", symbol=symbol)
        if rows[-1, 0] == newest_ms and rows[-1, 5] < previous.volume[-1]:
            raise BadAnswer(self._ask.id, "a closed candle that shrank", symbol=symbol)

    def _rows(self, symbol: str, timeframe: str, wanted: int) -> tuple[Floats, float]:
        """The newest `wanted` raw rows, and the exchange's time when it was asked for the newest.

        It is the time of asking, not of the answer: a candle that closed while the answer was on
        its way was still running when the exchange wrote it down.
        """
        most = self._most_rows(symbol, timeframe, wanted)
        rows = self._page(symbol, timeframe, limit=min(wanted, most))
        now = self._ask.asked_at()
        may_have_more = len(rows) >= min(wanted, most)
        while may_have_more and len(rows) < wanted:
            count = min(most, wanted - len(rows))
            first_ms = int(rows[0, 0])
            since_ms = first_ms - count * TIMEFRAME_SECONDS[timeframe] * 1000
            older = self._page(symbol, timeframe, limit=count, since_ms=since_ms)
            older = older[older[:, 0] < first_ms]
            rows = np.concatenate((older, rows))
            may_have_more = len(older) > 0
        return rows, now

    def _most_rows(self, symbol: str, timeframe: str, wanted: int) -> int:
        """How many of `wanted` candles the exchange gives in one call."""
        client = self._ask.client
        with self._ask.asking(symbol):
            self._ask.market(symbol)
            if timeframe not in (client.timeframes or TIMEFRAME_SECONDS):
                raise NotSupported(self._ask.id, f"no candles of {timeframe}", symbol=symbol)
            return int(client.feature_value(symbol, "fetchOHLCV", "limit", wanted) or wanted)

    def _page(self, symbol: str, timeframe: str, *, limit: int, since_ms: int | None = None) -> Floats:
        with self._ask.asking(symbol):
            raw = self._ask.client.fetch_ohlcv(symbol, timeframe, since_ms, limit)
        if since_ms is not None and not raw:
            return np.zeros((0, validation.CANDLE_FIELDS))  # older than the market
        rows = validation.candle_rows(raw, timeframe, exchange=self._ask.id, symbol=symbol)
        if rows[-1, 0] / 1000 > self._ask.latest() + validation.AHEAD_S:
            # Whoever writes one time too late does so for all: those before it are wrong as well.
            raise BadAnswer(self._ask.id, "candles of the future", symbol=symbol)
        rows[:, 5] *= self._volume_unit(symbol)
        return rows

    def _volume_unit(self, symbol: str) -> float:
        """Base units in one unit of the volume that ccxt gives."""
        if self._ask.client.id not in CANDLES_IN_CONTRACTS:
            return 1.0
        return validation.contract_unit(self._ask.client.markets[symbol])

    def _closed(self, rows: Floats, symbol: str, timeframe: str, *, now: float, bars: int) -> Candles:
        step_ms = TIMEFRAME_SECONDS[timeframe] * 1000
        closed = rows[rows[:, 0] + step_ms <= now * 1000]
        if len(closed):
            return fill_gaps(timeframe, closed, bars=bars)
        if rows[0, 0] > now * 1000 + step_ms:
            raise BadAnswer(self._ask.id, "candles of the future", symbol=symbol)
        return closed_only(fill_gaps(timeframe, rows[:1]), now)


def _corrects_first(newer: Candles, previous: Candles) -> bool:
    """Whether the oldest candle read again is not what it was: those before it may not be either then."""
    place = (newer.first_open_ms - previous.first_open_ms) // previous.step_ms
    if not 0 <= place < len(previous):
        return False
    return any(getattr(newer, name)[0] != getattr(previous, name)[place] for name in PRICE_COLUMNS)
