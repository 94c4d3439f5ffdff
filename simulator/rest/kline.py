"""/v5/market/kline."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from simulator.answers import Query, Refusal, View, category_of, limit_of, time_of
from simulator.decimals import texts
from simulator.intervals import INTERVALS, open_of

if TYPE_CHECKING:
    from simulator.listing import Listing
    from simulator.model import Candles, Instrument

_ROW = '["%d","%s","%s","%s","%s","%s","%.4f"],'
_DEFAULT_ROWS, _MOST_ROWS = 200, 1000


def kline(listing: Listing, query: Query, view: View) -> bytes:
    """Candles newest first: from the one that holds `start`, up to `end`, at most `limit`.

    With `start` alone they are the first `limit` from there; else the newest `limit` up to `end` or now.
    """
    category_of(query)
    interval = query.get("interval", "")
    if interval not in INTERVALS:
        raise Refusal("Invalid period!")
    instrument = listing.wanted(query, view)
    limit = limit_of(query, default=_DEFAULT_ROWS, most=_MOST_ROWS)
    start, end = time_of(query, "start"), time_of(query, "end")
    candles = _between(listing, instrument, interval, (start, end), limit, view)
    return b'{"symbol":"%b","category":"%b","list":[%b]}' % (
        instrument.symbol.encode(),
        instrument.category.encode(),
        _rows(candles, instrument).encode(),
    )


def _between(
    listing: Listing,
    instrument: Instrument,
    interval: str,
    bounds: tuple[int | None, int | None],
    limit: int,
    view: View,
) -> Candles:
    start, end = bounds
    second = view.second
    if view.candles_until_ms is not None:
        second = min(second, view.candles_until_ms // 1000)
    span = INTERVALS[interval] * limit
    last_ms = min(second * 1000 if end is None else min(end, second * 1000), listing.tape.last_ms())
    if start is None:
        first_ms = open_of(last_ms, interval) - span + INTERVALS[interval]
    else:
        first_ms = open_of(start, interval)
        if end is None:
            last_ms = min(last_ms, first_ms + span - 1)
        elif last_ms - first_ms > span:
            first_ms = open_of(last_ms, interval) - span + INTERVALS[interval]
    candles = listing.tape.candles(instrument, interval, max(first_ms, 0), last_ms, second)
    for gap in view.gaps:
        if gap.symbol in {None, instrument.symbol}:
            candles = candles.cut((candles.open_ms < gap.from_ms) | (candles.open_ms >= gap.to_ms))
    if start is not None and end is None:
        return candles.cut(slice(0, limit))
    return candles.cut(slice(max(0, len(candles) - limit), None))


def _rows(candles: Candles, instrument: Instrument) -> str:
    newest_first = candles.cut(slice(None, None, -1))
    decimals = instrument.price_decimals
    columns = (
        newest_first.open_ms.tolist(),
        texts(newest_first.open, decimals),
        texts(newest_first.high, decimals),
        texts(newest_first.low, decimals),
        texts(newest_first.close, decimals),
        texts(newest_first.volume, instrument.qty_decimals),
        newest_first.turnover.tolist(),
    )
    # All rows in one go: that takes half the time of one after the other.
    return (_ROW * len(candles) % tuple(chain.from_iterable(zip(*columns, strict=True))))[:-1]
