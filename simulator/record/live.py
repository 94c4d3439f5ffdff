"""What an exchange shows now and not later: public trades, order books, tickers, round after round."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from simulator.record.numbers import is_positive, is_time, plain
from simulator.record.source import BadAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.record.folder import Folder
    from simulator.record.manifest import Trail
    from simulator.record.progress import Progress
    from simulator.record.source import Source

TRADES, BOOKS, TICKERS = "trades.csv.gz", "books.jsonl.gz", "tickers.jsonl.gz"
_TRADE_COLUMNS = "symbol,timestamp,side,price,amount,id"
# What each of these gives in one call, or cuts a larger number to; of others that is not known.
_MOST_TRADES = dict.fromkeys(("binance", "bybit", "okx", "kraken", "coinbase", "bitget", "gate"), 500)
_MOST_TRADES_ELSEWHERE = 100
_LEVELS = 50
# These take only certain numbers of levels; what is more than wanted is cut off.
_DEPTHS = {"kucoin": 100, "kucoinfutures": 100}
# Of ccxt's ticker, under our names.
_FIELDS = {
    "last": "last", "bid": "bid", "ask": "ask", "open": "open", "high": "high", "low": "low",
    "baseVolume": "volume", "quoteVolume": "turnover",
}  # fmt: skip


class Rounds:
    """Asks for everything every `every_s` seconds until the wanted time has been recorded."""

    def __init__(
        self,
        source: Source,
        folder: Folder,
        progress: Progress,
        *,
        every_s: float,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._folder = folder
        self._progress = progress
        self._every_s = every_s
        self._sleep = sleep
        self._monotonic = monotonic

    def run(self) -> None:
        """Go round until `live_s` seconds are there, those of earlier runs included."""
        manifest = self._folder.manifest
        wanted_s = manifest.wanted.live_s
        while manifest.live_done_s < wanted_s:
            self._progress.show("live", manifest.live_done_s, wanted_s)
            began = self._monotonic()
            self.once()
            left_s = min(self._every_s, wanted_s - manifest.live_done_s) - (self._monotonic() - began)
            if left_s > 0:
                self._sleep(left_s)
            manifest.live_done_s += self._monotonic() - began
            manifest.live_until_ms = self._source.now_ms()
            self._folder.commit()
        self._progress.show("live", 1, 1)

    def once(self) -> None:
        """Keep one round; it counts as a whole or not at all."""
        symbols = self._folder.manifest.wanted.symbols
        if self._source.has("fetchTickers"):
            self._folder.append(TICKERS, self._tickers(symbols))
        for symbol in symbols:
            if self._source.has("fetchTrades"):
                self._folder.append(TRADES, self._trades(symbol), header=_TRADE_COLUMNS)
            if self._source.has("fetchOrderBook"):
                self._folder.append(BOOKS, [self._book(symbol)])
        self._folder.commit()

    def _tickers(self, symbols: tuple[str, ...]) -> list[str]:
        source = self._source
        now_ms = source.now_ms()
        found = source.ask(source.client.fetch_tickers, list(symbols), check=_check_tickers)
        return [
            _json(
                symbol=symbol,
                timestamp=found[symbol]["timestamp"] or now_ms,
                **{
                    ours: plain(found[symbol][theirs])
                    for theirs, ours in _FIELDS.items()
                    if found[symbol].get(theirs) is not None
                },
            )
            for symbol in symbols
            if symbol in found
        ]

    def _book(self, symbol: str) -> str:
        source = self._source
        depth = _DEPTHS.get(source.client.id, _LEVELS)
        now_ms = source.now_ms()
        book = source.ask(source.client.fetch_order_book, symbol, depth, check=_check_book)
        size = source.contract_size(symbol)
        sides = {
            side: [[plain(level[0]), plain(Decimal(repr(level[1])) * size)] for level in book[side][:_LEVELS]]
            for side in ("bids", "asks")
        }
        return _json(symbol=symbol, timestamp=book["timestamp"] or now_ms, **sides)

    def _trades(self, symbol: str) -> list[str]:
        source, manifest = self._source, self._folder.manifest
        now_ms = source.now_ms()
        most = _MOST_TRADES.get(source.client.id, _MOST_TRADES_ELSEWHERE)
        batch = source.ask(source.client.fetch_trades, symbol, None, most, check=_check_trades)
        # One that nobody took, as in an auction, has no side and is no trade that can be played.
        batch = [row for row in batch if row["timestamp"] >= manifest.from_ms and row["side"] is not None]
        fresh = _follow(manifest.trades[symbol], batch, now_ms)
        size = source.contract_size(symbol)
        return [
            ",".join((
                symbol, str(row["timestamp"]), row["side"], plain(row["price"]),
                plain(Decimal(repr(row["amount"])) * size), _id(row),
            ))
            for row in fresh
        ]  # fmt: skip


def _follow(trail: Trail, batch: list[Any], now_ms: int) -> list[Any]:
    """The trades of a batch that are not kept yet, oldest first; moves the trail behind them."""
    batch = sorted(batch, key=lambda row: row["timestamp"])
    fresh = [
        row
        for row in batch
        if row["timestamp"] > trail.last_ms
        or (row["timestamp"] == trail.last_ms and _id(row) not in trail.ids)
    ]
    if not batch:
        return []
    # Without one that is known already, some may have come and gone between two rounds.
    if not trail.spans or batch[0]["timestamp"] > trail.last_ms:
        trail.spans.append([batch[0]["timestamp"], now_ms])
    last_ms = batch[-1]["timestamp"]
    known = trail.ids if last_ms == trail.last_ms else []
    trail.ids = sorted({*known, *(_id(row) for row in batch if row["timestamp"] == last_ms)})
    trail.last_ms = max(trail.last_ms, last_ms)
    trail.spans[-1][1] = max(now_ms, last_ms)
    return fresh


def _id(row: Any) -> str:
    """The exchange's number of a trade; where it gives none, what tells it from others at that time."""
    return str(row["id"] or f"{row['side']}-{row['price']}-{row['amount']}").replace(",", "")


def _check_trades(rows: Any) -> None:
    for row in rows:
        sound = is_time(row["timestamp"]) and is_positive(row["price"]) and is_positive(row["amount"])
        if not sound or row["side"] not in {"buy", "sell", None}:
            raise BadAnswer(f"a trade that cannot be, at {row['timestamp']!r}")


def _check_book(book: Any) -> None:
    bids, asks = book["bids"], book["asks"]
    if not bids or not asks:
        raise BadAnswer("an order book with an empty side")
    if not all(is_positive(number) for side in (bids, asks) for level in side for number in level[:2]):
        raise BadAnswer("an order book with a level that cannot be")
    if bids[0][0] >= asks[0][0]:
        raise BadAnswer(f"an order book whose bid {bids[0][0]} is not below its ask {asks[0][0]}")


def _check_tickers(found: Any) -> None:
    for row in found.values():
        if not is_positive(row["last"]):
            raise BadAnswer(f"a ticker of {row['symbol']} without a price")


def _json(**fields: Any) -> str:
    return msgspec.json.encode(fields).decode()
