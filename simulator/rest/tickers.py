"""/v5/market/tickers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from simulator.answers import Query, View, category_of
from simulator.book import best, best_sizes
from simulator.listing import Listing, unknown_symbol
from simulator.model import Instrument, padded, text
from simulator.sentiment import FUNDING_MS, funding_rate, open_interest
from simulator.tape import Forming

_INTEREST_STEP_MS = 300_000


def tickers(listing: Listing, query: Query, view: View) -> bytes:
    """The 24 h figures of one symbol or of a whole category; what no longer trades is not in it."""
    category = category_of(query)
    symbol = query.get("symbol", "")
    chosen: Iterable[Instrument] = listing.of(category)
    if symbol:
        found = listing.find(category, symbol)
        if found is None or not listing.trades(found, view):
            raise unknown_symbol(category, result=b'{"category":"%b","list":[]}' % category.encode())
        chosen = (found,)
    forming = listing.tape.forming(view.second)
    row = _spot if category == "spot" else _linear
    rows = [row(listing, one, forming, view) for one in chosen if listing.trades(one, view)]
    return msgspec.json.encode({"category": category, "list": rows})


def _spot(listing: Listing, one: Instrument, forming: Forming, _view: View) -> dict[str, Any]:
    day = _Day(listing, one, forming)
    bid_size, ask_size = best_sizes(one, forming)
    bid, ask = best(one, forming)
    return {
        "symbol": one.symbol,
        "bid1Price": text(bid, one.price_decimals),
        "bid1Size": text(bid_size, one.qty_decimals),
        "ask1Price": text(ask, one.price_decimals),
        "ask1Size": text(ask_size, one.qty_decimals),
        "lastPrice": text(day.last, one.price_decimals),
        "prevPrice24h": text(day.open, one.price_decimals),
        "price24hPcnt": f"{day.change:.4f}",
        "highPrice24h": text(day.high, one.price_decimals),
        "lowPrice24h": text(day.low, one.price_decimals),
        "turnover24h": f"{day.turnover:.8f}".rstrip("0").rstrip("."),
        "volume24h": text(day.volume, one.qty_decimals),
        "usdIndexPrice": text(day.last, one.price_decimals),
    }


def _linear(listing: Listing, one: Instrument, forming: Forming, view: View) -> dict[str, Any]:
    day = _Day(listing, one, forming)
    decimals, steps = one.price_decimals, one.qty_decimals
    bid_size, ask_size = best_sizes(one, forming)
    bid, ask = best(one, forming)
    last = padded(day.last, decimals)
    interest, rate, settles_ms = _standing(listing, one, view)
    return {
        "symbol": one.symbol,
        "lastPrice": last,
        "indexPrice": last,
        "markPrice": last,
        "prevPrice24h": padded(day.open, decimals),
        "price24hPcnt": f"{day.change:.6f}",
        "highPrice24h": padded(day.high, decimals),
        "lowPrice24h": padded(day.low, decimals),
        "prevPrice1h": padded(day.open_1h, decimals),
        "openInterest": text(interest, steps),
        "openInterestValue": f"{interest * day.last * one.unit:.2f}",
        "turnover24h": f"{day.turnover:.4f}",
        "volume24h": padded(day.volume, steps),
        "fundingRate": f"{rate:.8f}".rstrip("0").rstrip("."),
        "nextFundingTime": str(settles_ms),
        "predictedDeliveryPrice": "",
        "basisRate": "",
        "deliveryFeeRate": "",
        "deliveryTime": "0",
        "ask1Size": text(ask_size, steps),
        "bid1Price": padded(bid, decimals),
        "ask1Price": padded(ask, decimals),
        "bid1Size": text(bid_size, steps),
        "basis": "",
        "preOpenPrice": "",
        "preQty": "",
        "curPreListingPhase": "",
        "fundingIntervalHour": "8",
        "basisRateYear": "",
        "fundingCap": "0.005",
    }


class _Day:
    """One instrument's last 24 hours up to a second, in ticks and steps."""

    __slots__ = ("change", "high", "last", "low", "open", "open_1h", "turnover", "volume")

    def __init__(self, listing: Listing, one: Instrument, forming: Forming) -> None:
        board, series = forming.board, one.series
        self.last = int(forming.last[series])
        self.open = int(board.open_24h[series])
        self.open_1h = int(board.open_1h[series])
        self.change = (self.last - self.open) / self.open
        self.high = max(int(board.high_24h[series]), int(forming.high[series]))
        self.low = min(int(board.low_24h[series]), int(forming.low[series]))
        so_far = listing.tape.volume_so_far(one, forming)
        self.volume = int(board.volume_24h[series]) // one.volume_divisor + so_far
        whole = int(board.column.volume[series])
        part = board.column.turnover[series] * so_far / whole if whole else 0.0
        self.turnover = float(board.turnover_24h[series]) / one.volume_divisor + float(part)


def _standing(listing: Listing, one: Instrument, view: View) -> tuple[int, float, int]:
    """Open interest, the coming funding rate and when it is settled; they change every five minutes."""
    step = view.second * 1000 // _INTEREST_STEP_MS
    key = (one.key, step)
    kept = _kept.get(key)
    if kept is None:
        now_ms = step * _INTEREST_STEP_MS
        settles_ms = (now_ms // FUNDING_MS + 1) * FUNDING_MS
        interest = int(open_interest(one, now_ms)[0])
        kept = (interest, funding_rate(listing.tape.market, one, settles_ms), settles_ms)
        if len(_kept) >= _KEPT_MOST:
            _kept.clear()
        _kept[key] = kept
    return kept


_KEPT_MOST = 5000
_kept: dict[tuple[int, int], tuple[int, float, int]] = {}
