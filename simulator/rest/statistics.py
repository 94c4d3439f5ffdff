"""/v5/market/funding/history, open-interest and account-ratio."""

from __future__ import annotations

from urllib.parse import quote, unquote

import msgspec
import numpy as np

from simulator.answers import Query, Refusal, View, category_of, limit_of, time_of
from simulator.decimals import padded, trimmed
from simulator.listing import Listing, unknown_symbol
from simulator.model import DAY_MS, HOUR_MS, MINUTE_MS, Instrument, Ints
from simulator.sentiment import FUNDING_MS, funding_rate, long_share, open_interest

_PERIODS = {
    "5min": 5 * MINUTE_MS,
    "15min": 15 * MINUTE_MS,
    "30min": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "4h": 4 * HOUR_MS,
    "1d": DAY_MS,
}


def funding_history(listing: Listing, query: Query, view: View) -> bytes:
    """Settled funding rates, newest first."""
    one = _contract(listing, query, view)
    start, end = time_of(query, "startTime"), time_of(query, "endTime")
    if start is not None and end is None:
        raise Refusal("params error: endTime invalid")
    times = _times(listing, one, FUNDING_MS, (start, end), limit_of(query, default=200, most=200), view)
    rates = [
        {
            "symbol": one.symbol,
            "fundingRate": trimmed(funding_rate(listing.tape.market, one, time), 8),
            "fundingRateTimestamp": str(time),
        }
        for time in times.tolist()
    ]
    return msgspec.json.encode({"category": one.category, "list": rates})


def open_interest_history(listing: Listing, query: Query, view: View) -> bytes:
    """Open interest at the ends of intervals, newest first, with a cursor."""
    one = _contract(listing, query, view)
    times = _page(listing, one, query, _period(query, "intervalTime"), 200, view)
    interest = open_interest(listing.tape.market, one, times)
    rows = [
        {"openInterest": padded(count * 10 ** (8 - one.qty_decimals), 8), "timestamp": str(time)}
        for count, time in zip(interest.tolist(), times.tolist(), strict=True)
    ]
    return msgspec.json.encode(
        {"symbol": one.symbol, "category": one.category, "list": rows, "nextPageCursor": _cursor(one, times)}
    )


def account_ratio(listing: Listing, query: Query, view: View) -> bytes:
    """Shares of accounts that are long and short, newest first, with a cursor."""
    one = _contract(listing, query, view)
    times = _page(listing, one, query, _period(query, "period"), 500, view)
    shares = long_share(listing.tape.market, one, times)
    rows = [
        {
            "symbol": one.symbol,
            "buyRatio": f"{share:.4f}",
            "sellRatio": f"{1 - round(share, 4):.4f}",
            "timestamp": str(time),
        }
        for share, time in zip(shares.tolist(), times.tolist(), strict=True)
    ]
    return msgspec.json.encode({"list": rows, "nextPageCursor": _cursor(one, times)})


def _contract(listing: Listing, query: Query, view: View) -> Instrument:
    category = category_of(query)
    if category in {"spot", "option"}:
        raise Refusal("Illegal category")
    one = listing.wanted(query, view)
    if not listing.trades(one, view):
        raise unknown_symbol(category)
    return one


def _period(query: Query, name: str) -> int:
    period = _PERIODS.get(query.get(name, ""))
    if period is None:
        raise Refusal(f"params error: {name} is invalid")
    return period


def _page(listing: Listing, one: Instrument, query: Query, period: int, most: int, view: View) -> Ints:
    start, end = time_of(query, "startTime"), time_of(query, "endTime")
    cursor = unquote(query.get("cursor", "")).rpartition("lasttime=")[2]
    if cursor.isdecimal():
        before = int(cursor) * 1000 - 1
        end = before if end is None else min(end, before)
    return _times(listing, one, period, (start, end), limit_of(query, default=50, most=most), view)


def _times(
    listing: Listing,
    one: Instrument,
    period: int,
    bounds: tuple[int | None, int | None],
    limit: int,
    view: View,
) -> Ints:
    """Multiples of the period inside the bounds, the listing and the past, newest first."""
    start, end = bounds
    market = listing.tape.market
    now = view.second * 1000
    newest = (now if end is None else min(end, now)) // period
    oldest = -(-max(start or 0, one.listed_at_ms, market.first_index * market.base_ms) // period)
    return np.arange(newest, max(oldest - 1, newest - limit), -1, dtype=np.int64) * period


def _cursor(one: Instrument, times: Ints) -> str:
    if not len(times):
        return ""
    return quote(f"lastid={one.symbol_id}&lasttime={int(times[-1]) // 1000}", safe="")
