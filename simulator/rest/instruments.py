"""/v5/market/time and /v5/market/instruments-info."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import msgspec

from simulator.answers import Query, Refusal, View, category_of, limit_of
from simulator.decimals import padded, step_text
from simulator.listing import Listing, unknown_symbol

if TYPE_CHECKING:
    from simulator.model import Instrument

_EMPTY_PAGE = b'{"category":"","list":[],"nextPageCursor":""}'
_DEFAULT_PAGE, _LARGEST_PAGE = 500, 1000
_STATUSES = ("PreLaunch", "Trading", "Delivering", "Closed")


def server_time(_listing: Listing, _query: Query, view: View) -> bytes:
    """The exchange's clock in seconds and in nanoseconds."""
    return b'{"timeSecond":"%d","timeNano":"%d"}' % (view.now_ms // 1000, view.now_ms * 1_000_000)


def instruments_info(listing: Listing, query: Query, view: View) -> bytes:
    """The instruments of a category, page by page except for spot; delisted ones stay, as Closed."""
    category = category_of(query)
    chosen = _chosen(listing, category, query, view)
    if category == "spot":
        return msgspec.json.encode(
            {"category": category, "list": [_spot(one, listing, view) for one in chosen]}
        )
    size = limit_of(query, default=_DEFAULT_PAGE, most=_LARGEST_PAGE)
    start = _start_of(chosen, query.get("cursor", ""))
    page = chosen[start : start + size]
    more = start + size < len(chosen)
    return msgspec.json.encode(
        {
            "category": category,
            "list": [_linear(one, listing, view) for one in page],
            "nextPageCursor": quote(f"first={page[0].symbol}&last={page[-1].symbol}", safe="")
            if more
            else "",
        }
    )


def _chosen(listing: Listing, category: str, query: Query, view: View) -> list[Instrument]:
    status = query.get("status", "")
    if status and status not in _STATUSES:
        raise Refusal("params error: status invalid", result=_EMPTY_PAGE)
    symbol = query.get("symbol", "")
    if symbol:
        found = listing.find(category, symbol)
        if found is None and category != "spot":
            raise unknown_symbol(category, result=_EMPTY_PAGE)
        chosen = [found] if found else []
    else:
        base = query.get("baseCoin", "")
        chosen = [one for one in listing.of(category) if not base or one.base == base]
    if status:
        chosen = [one for one in chosen if _status(one, listing, view) == status]
    return chosen


def _start_of(chosen: list[Instrument], cursor: str) -> int:
    """The place after the cursor's last symbol; a cursor of another list begins anew."""
    last = unquote(cursor).rpartition("last=")[2]
    for place, one in enumerate(chosen):
        if last and one.symbol == last:
            return place + 1
    return 0


def _status(instrument: Instrument, listing: Listing, view: View) -> str:
    return "Trading" if listing.trades(instrument, view) else "Closed"


def _linear(one: Instrument, listing: Listing, view: View) -> dict[str, Any]:
    tick, step = step_text(one.price_decimals), step_text(one.qty_decimals)
    return {
        "symbol": one.symbol,
        "contractType": "LinearPerpetual",
        "status": _status(one, listing, view),
        "baseCoin": one.base,
        "quoteCoin": one.quote,
        "launchTime": str(one.listed_at_ms),
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(one.price_decimals),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {
            "minPrice": tick,
            "maxPrice": padded(19_999_998, one.price_decimals),
            "tickSize": tick,
        },
        "lotSizeFilter": {
            "maxOrderQty": padded(10**9, one.qty_decimals),
            "minOrderQty": step,
            "qtyStep": step,
            "postOnlyMaxOrderQty": padded(10**9, one.qty_decimals),
            "maxMktOrderQty": padded(10**8, one.qty_decimals),
            "minNotionalValue": "5",
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "settleCoin": one.quote,
        "copyTrading": "both",
        "upperFundingRate": "0.005",
        "lowerFundingRate": "-0.005",
        "isPreListing": False,
        "preListingInfo": None,
        "riskParameters": {"priceLimitRatioX": "0.01", "priceLimitRatioY": "0.02"},
        "displayName": "",
        "symbolType": "",
        "forbidUplWithdrawal": False,
        "symbolId": one.symbol_id,
    }


def _spot(one: Instrument, listing: Listing, view: View) -> dict[str, Any]:
    step = step_text(one.qty_decimals)
    return {
        "symbolId": one.symbol_id,
        "symbol": one.symbol,
        "baseCoin": one.base,
        "quoteCoin": one.quote,
        "innovation": "0",
        "status": _status(one, listing, view),
        "marginTrading": "utaOnly",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": step,
            "quotePrecision": step_text(one.price_decimals + one.qty_decimals),
            "minOrderQty": step,
            "maxOrderQty": padded(10**9, one.qty_decimals),
            "minOrderAmt": "5",
            "maxOrderAmt": "8000000",
            "maxLimitOrderQty": padded(10**9, one.qty_decimals),
            "maxMarketOrderQty": padded(10**8, one.qty_decimals),
            "postOnlyMaxLimitOrderSize": padded(10**9, one.qty_decimals),
        },
        "priceFilter": {"tickSize": step_text(one.price_decimals)},
        "riskParameters": {"priceLimitRatioX": "0.005", "priceLimitRatioY": "0.01"},
        "symbolType": "",
        "xstockMultiplier": "1",
    }
