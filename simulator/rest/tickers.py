"""/v5/market/tickers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from simulator.answers import Query, View, category_of
from simulator.book import quotes, roster
from simulator.decimals import padded, rounded, text, trimmed
from simulator.listing import Listing, unknown_symbol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.board import Forming
    from simulator.model import Instrument
    from simulator.moments import RecordedTicker


def tickers(listing: Listing, query: Query, view: View) -> bytes:
    """The 24 h figures of one symbol or of a whole category; what no longer trades is not in it."""
    category = category_of(query)
    symbol = query.get("symbol", "")
    if symbol:
        found = listing.find(category, symbol)
        if found is None or not listing.trades(found, view):
            raise unknown_symbol(category, result=b'{"category":"%b","list":[]}' % category.encode())
        return _encoded(listing, category, [found], view)
    chosen = [one for one in listing.of(category) if listing.trades(one, view)]
    if len(chosen) < len(listing.of(category)):
        return _encoded(listing, category, chosen, view)
    # The whole list is what everybody asks for: it is written once a second.
    return listing.once_a_second(
        f"tickers {category}", view.second, lambda: _encoded(listing, category, chosen, view)
    )


def _encoded(listing: Listing, category: str, chosen: Sequence[Instrument], view: View) -> bytes:
    rows = []
    if chosen:
        forming = listing.tape.forming(view.second)
        market = listing.tape.market
        days = [
            _recorded(one, day, market.ticker_at(one, view.second))
            for one, day in zip(chosen, _days(chosen, forming), strict=True)
        ]
        if category == "spot":
            rows = [_spot(one, day) for one, day in zip(chosen, days, strict=True)]
        else:
            rows = [
                _linear(one, day, listing.standing(one, view)) for one, day in zip(chosen, days, strict=True)
            ]
    return msgspec.json.encode({"category": category, "list": rows})


class _Day(msgspec.Struct, frozen=True):
    """One instrument's last 24 hours, in ticks, steps and quote currency."""

    last: int
    open: int
    open_1h: int
    high: int
    low: int
    volume: int
    turnover: float
    bid: int
    ask: int
    bid_size: int
    ask_size: int

    @property
    def change(self) -> float:
        """The change since 24 h ago as a part of the price then."""
        return (self.last - self.open) / self.open


def _days(chosen: Sequence[Instrument], forming: Forming) -> list[_Day]:
    """The figures of all instruments, computed by columns."""
    of, board = roster(chosen), forming.board
    best, series = quotes(of, forming), of.series
    divisor = np.array([one.volume_divisor for one in chosen])
    so_far = np.array([forming.volume_of(one) for one in chosen])
    whole = np.maximum(board.column.volume[series], 1)
    columns = (
        forming.last[series],
        board.open_24h[series],
        board.open_1h[series],
        np.maximum(board.high_24h, forming.high)[series],
        np.minimum(board.low_24h, forming.low)[series],
        board.volume_24h[series] // divisor + so_far,
        board.turnover_24h[series] / divisor + board.column.turnover[series] * so_far / whole,
        best.bid,
        best.ask,
        best.bid_size,
        best.ask_size,
    )
    return [_Day(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _recorded(one: Instrument, day: _Day, ticker: RecordedTicker | None) -> _Day:
    """The figures with those in their place that were recorded for this moment."""
    if ticker is None:
        return day
    prices = {name: getattr(ticker, name) for name in ("last", "bid", "ask", "open", "high", "low")}
    changes: dict[str, Any] = {
        name: rounded(price, one.price_decimals) for name, price in prices.items() if price is not None
    }
    if ticker.volume is not None:
        changes["volume"] = rounded(ticker.volume, one.qty_decimals)
    if ticker.turnover is not None:
        changes["turnover"] = float(ticker.turnover)
    return msgspec.structs.replace(day, **changes)


def _spot(one: Instrument, day: _Day) -> dict[str, Any]:
    decimals, steps = one.price_decimals, one.qty_decimals
    return {
        "symbol": one.symbol,
        "bid1Price": text(day.bid, decimals),
        "bid1Size": text(day.bid_size, steps),
        "ask1Price": text(day.ask, decimals),
        "ask1Size": text(day.ask_size, steps),
        "lastPrice": text(day.last, decimals),
        "prevPrice24h": text(day.open, decimals),
        "price24hPcnt": f"{day.change:.4f}",
        "highPrice24h": text(day.high, decimals),
        "lowPrice24h": text(day.low, decimals),
        "turnover24h": trimmed(day.turnover, 8),
        "volume24h": text(day.volume, steps),
        "usdIndexPrice": text(day.last, decimals),
    }


def _linear(one: Instrument, day: _Day, standing: tuple[int, float, int]) -> dict[str, Any]:
    decimals, steps = one.price_decimals, one.qty_decimals
    last = padded(day.last, decimals)
    interest, rate, settles_ms = standing
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
        "fundingRate": trimmed(rate, 8),
        "nextFundingTime": str(settles_ms),
        "predictedDeliveryPrice": "",
        "basisRate": "",
        "deliveryFeeRate": "",
        "deliveryTime": "0",
        "ask1Size": text(day.ask_size, steps),
        "bid1Price": padded(day.bid, decimals),
        "ask1Price": padded(day.ask, decimals),
        "bid1Size": text(day.bid_size, steps),
        "basis": "",
        "preOpenPrice": "",
        "preQty": "",
        "curPreListingPhase": "",
        "fundingIntervalHour": "8",
        "basisRateYear": "",
        "fundingCap": "0.005",
    }
