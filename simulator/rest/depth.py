"""/v5/market/orderbook and /v5/market/recent-trade."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from simulator.answers import Query, Refusal, View, category_of, limit_of
from simulator.book import order_book
from simulator.decimals import texts
from simulator.listing import Listing, unknown_symbol
from simulator.trades import Trades, recent_trades

if TYPE_CHECKING:
    from simulator.model import Instrument, Ints

# category: (levels by default, at most)
_DEPTHS = {"spot": (1, 200), "linear": (25, 500), "inverse": (25, 500), "option": (1, 25)}
_TRADES = {"spot": (60, 60), "linear": (500, 1000), "inverse": (500, 1000), "option": (500, 1000)}
# The update counters start from here, so that they fit into 53 bits and never fall.
_COUNT_FROM_S = 1_600_000_000
# The last group of a UUID is of 12 hexadecimal digits.
_TAIL_BITS = 48
_TAIL = (1 << _TAIL_BITS) - 1


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
    return ('["%s","%s"],' * len(prices) % tuple(chain.from_iterable(zip(*columns, strict=True))))[:-1]


def _trades(trades: Trades, one: Instrument) -> str:
    """The rows, newest first, all in one go; contracts write every decimal of a price."""
    newest_first = Trades(*(column[::-1] for column in trades.columns()))
    decimals, number = one.price_decimals, newest_first.number
    if one.category == "spot":
        name, names = f"2{one.symbol_id:05d}%013d", [number.tolist()]
        price, prices = "%s", [texts(newest_first.price, decimals)]
    else:
        name, names = _uuid_form(one), [(number >> _TAIL_BITS).tolist(), (number & _TAIL).tolist()]
        price, prices = "%d", [newest_first.price.tolist()]
        if decimals:
            price, prices = (
                f"%d.%0{decimals}d",
                [part.tolist() for part in np.divmod(newest_first.price, 10**decimals)],
            )
    row = (
        f'{{"execId":"{name}","symbol":"{one.symbol}","price":"{price}","size":"%s",'
        '"side":"%s","time":"%d","isBlockTrade":false,"isRPITrade":false,"seq":"%d"},'
    )
    columns = (
        *names,
        *prices,
        texts(newest_first.size, one.qty_decimals),
        ["Buy" if bought else "Sell" for bought in newest_first.bought.tolist()],
        newest_first.time_ms.tolist(),
        (number - 2 * _COUNT_FROM_S).tolist(),
    )
    return (row * len(trades) % tuple(chain.from_iterable(zip(*columns, strict=True))))[:-1]


def _uuid_form(one: Instrument) -> str:
    """The names of an instrument's trades, without their numbers: they have the form of a UUID."""
    head = f"{one.key:016x}"
    return f"{head[:8]}-{head[8:12]}-5{head[13:16]}-8%03x-%012x"
