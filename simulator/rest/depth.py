"""/v5/market/orderbook and /v5/market/recent-trade."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.answers import Query, Refusal, View, category_of, limit_of
from simulator.book import order_book
from simulator.decimals import padded, texts
from simulator.listing import Listing, unknown_symbol
from simulator.trades import Trades, recent_trades

if TYPE_CHECKING:
    from simulator.model import Instrument, Ints

# category: (levels by default, at most)
_DEPTHS = {"spot": (1, 200), "linear": (25, 500), "inverse": (25, 500), "option": (1, 25)}
_TRADES = {"spot": (60, 60), "linear": (500, 1000), "inverse": (500, 1000), "option": (500, 1000)}
# The update counters start from here, so that they fit into 53 bits and never fall.
_COUNT_FROM_S = 1_600_000_000


def orderbook(listing: Listing, query: Query, view: View) -> bytes:
    """Bids and asks around the price of the second."""
    category = category_of(query)
    default, most = _DEPTHS[category]
    depth = limit_of(query, default=default, most=most)
    one = listing.wanted(query, view)
    if not listing.trades(one, view):
        raise unknown_symbol(category)
    bids, asks, made_ms = _sides(listing, one, depth, view.second)
    count = view.second - _COUNT_FROM_S
    return (
        f'{{"s":"{one.symbol}","b":[{bids}],"a":[{asks}],"ts":{view.now_ms},"u":{count},'
        f'"seq":{count * 64 + one.symbol_id % 64},"cts":{made_ms}}}'
    ).encode()


def _sides(listing: Listing, one: Instrument, depth: int, second: int) -> tuple[str, str, int]:
    """Bids, asks and when they stood, in ms: the recorded book where there is one for this second."""
    market = listing.tape.market
    recorded = market.book_at(one, second)
    if recorded is not None:
        made_ms = recorded.timestamp + market.shift_ms
        return _written(recorded.bids[:depth]), _written(recorded.asks[:depth]), made_ms
    book = order_book(one, listing.tape.forming(second), depth)
    return _levels(book.bids, book.bid_sizes, one), _levels(book.asks, book.ask_sizes, one), second * 1000


def _written(levels: tuple[tuple[str, str], ...]) -> str:
    return ",".join([f'["{price}","{size}"]' for price, size in levels])


def recent_trade(listing: Listing, query: Query, view: View) -> bytes:
    """The newest trades, newest first."""
    category = category_of(query)
    default, most = _TRADES[category]
    count = limit_of(query, default=default, most=most)
    if category == "option" and not query.get("symbol"):
        raise Refusal("params error: symbol invalid")
    one = listing.wanted(query, view)
    recorded = listing.tape.market.trades_before(one, view.second, count)
    trades = recorded if recorded is not None else recent_trades(listing.tape, one, count, view.second)
    return f'{{"category":"{category}","list":[{_trades(trades, one)}]}}'.encode()


def _levels(prices: Ints, sizes: Ints, one: Instrument) -> str:
    columns = (texts(prices, one.price_decimals), texts(sizes, one.qty_decimals))
    return ",".join([f'["{price}","{size}"]' for price, size in zip(*columns, strict=True)])


def _trades(trades: Trades, one: Instrument) -> str:
    """The rows, newest first; contracts write every decimal of a price."""
    if one.category == "spot":
        prices = texts(trades.price, one.price_decimals)
    else:
        prices = [padded(price, one.price_decimals) for price in trades.price.tolist()]
    sizes = texts(trades.size, one.qty_decimals)
    rows = [
        f'{{"execId":"{_trade_id(one, number)}","symbol":"{one.symbol}","price":"{price}","size":"{size}",'
        f'"side":"{"Buy" if bought else "Sell"}","time":"{time_ms}","isBlockTrade":false,'
        f'"isRPITrade":false,"seq":"{number - 2 * _COUNT_FROM_S}"}}'
        for time_ms, price, size, bought, number in zip(
            trades.time_ms.tolist(),
            prices,
            sizes,
            trades.bought.tolist(),
            trades.number.tolist(),
            strict=True,
        )
    ]
    return ",".join(reversed(rows))


def _trade_id(one: Instrument, number: int) -> str:
    """Digits for spot, the form of a UUID for contracts."""
    if one.category == "spot":
        return f"2{one.symbol_id:05d}{number:013d}"
    head, tail = f"{one.key:016x}", f"{number:015x}"
    return f"{head[:8]}-{head[8:12]}-5{head[13:16]}-8{tail[:3]}-{tail[3:]}"
