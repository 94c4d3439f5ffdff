"""ccxt's clients without work whose results nobody here reads, and without last prices that nobody said.

A thousand trades cost a client 20 ms, three quarters of it for the worth of each, its fees and its time as
text. What one of these methods does not know for certain it hands to ccxt's own; what is read comes out
the same.
"""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TRADE = itemgetter("execId", "price", "size", "side", "time", "symbol")
# All that Bybit documents of a public trade. One of its trades of an account has other names as well.
_OF_A_PUBLIC_TRADE = frozenset(
    ("execId", "symbol", "price", "size", "side", "time", "isBlockTrade", "isRPITrade", "seq")
)
SIDES = {"Buy": "buy", "Sell": "sell"}


class Lean:
    """Put before a class of ccxt's: each method gives what ccxt's does, or less of it.

    Left out of a trade is its `cost`, and so are fees where the exchange names none; of a ticker a last price
    that ccxt made of others.
    """

    def safe_number(self, obj: Any, key: Any, defaultNumber: Any = None) -> Any:  # noqa: N803 - ccxt's name
        """A number of a row, in one step instead of three."""
        try:
            value = obj[key]
        except (LookupError, TypeError):  # no such field, or nothing that has any
            return defaultNumber
        if type(value) in {str, float, int}:
            try:
                return float(value)
            except (ValueError, OverflowError):
                return defaultNumber
        return defaultNumber

    @staticmethod
    def iso8601(timestamp: Any = None) -> str | None:
        """A time as text: many rows are of the same second."""
        if type(timestamp) is not int or timestamp < 0:
            return _iso8601(timestamp)
        start = _second(timestamp // 1000)
        return None if start is None else f"{start}{timestamp % 1000:03d}Z"

    def safe_ticker(self, ticker: dict[str, Any], market: Any = None) -> dict[str, Any]:
        """A ticker whose last price was said by the exchange; ccxt reckons a missing one from the change."""
        said = self.omit_zero(self.safe_string_2(ticker, "close", "last"))  # type: ignore[attr-defined]
        whole: dict[str, Any] = super().safe_ticker(ticker, market)  # type: ignore[misc]
        return whole if said is not None else {**whole, "last": None, "close": None}

    def safe_trade(self, trade: dict[str, Any], market: Any = None) -> dict[str, Any]:
        """A trade with its price and amount as numbers."""
        if trade.get("fee") is not None or trade.get("fees") is not None:
            whole: dict[str, Any] = super().safe_trade(trade, market)  # type: ignore[misc]
            return whole
        trade["amount"] = self.safe_number(trade, "amount")
        trade["price"] = self.safe_number(trade, "price")
        trade["cost"] = None
        return trade


class LeanBybit(Lean):
    """The rows that Bybit sends most, read at once where each is as documented."""

    def parse_ohlcvs(
        self, ohlcvs: Any, market: Any = None, timeframe: str = "1m", since: Any = None, limit: Any = None,
        tail: Any = False,  # noqa: FBT002 - as ccxt has it
    ) -> list[Any]:  # fmt: skip
        """Candles, oldest first."""
        rows = None if since is not None or market is None or market.get("inverse") else _candles(ohlcvs)
        if rows is None:
            whole: list[Any] = super().parse_ohlcvs(ohlcvs, market, timeframe, since, limit, tail)  # type: ignore[misc]
            return whole
        filtered: list[Any] = self.filter_by_since_limit(rows, since, limit, 0, tail)  # type: ignore[attr-defined]
        return filtered

    def parse_trades(
        self, trades: Any, market: Any = None, since: Any = None, limit: Any = None, params: Any = None
    ) -> list[Any]:
        """Trades, oldest first, with name, time, side, price and amount."""
        rows = None if since is not None or params or market is None else _trades(trades, market)
        if rows is None:
            whole: list[Any] = super().parse_trades(trades, market, since, limit, params or {})  # type: ignore[misc]
            return whole
        filtered: list[Any] = self.filter_by_since_limit(rows, since, limit)  # type: ignore[attr-defined]
        return filtered


LEAN = {"bybit": LeanBybit}


@cache
def lean(of: type) -> type:
    """The class of a client, lean."""
    return type(of.__name__, (LEAN.get(of.__name__, Lean), of), {})


def _candles(rows: Any) -> list[list[float]] | None:
    """Rows of texts as ccxt parses them, oldest first; None unless each is of seven."""
    try:
        if set(map(type, chain.from_iterable(rows))) != {str}:
            return None
        parsed: list[list[float]] = [
            [int(opened), float(first), float(high), float(low), float(last), float(volume)]
            for opened, first, high, low, last, volume, _ in rows
        ]
    except (TypeError, ValueError):
        return None
    return sorted(parsed, key=itemgetter(0))


def _trades(rows: Any, market: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Rows of public trades of this market as ccxt parses them, oldest first; None unless each is one."""
    try:
        if not _are_public(rows):
            return None
        found = [_TRADE(row) for row in rows]
        if set(map(type, chain.from_iterable(found))) != {str} or {row[5] for row in found} != {market["id"]}:
            return None
        parsed = [
            {
                "id": name,
                "timestamp": int(at),
                "side": SIDES[side],
                "price": float(price),
                "amount": float(size),
                "symbol": market["symbol"],
            }
            for name, price, size, side, at, _ in found
            if name
        ]
    except (AttributeError, LookupError, TypeError, ValueError):
        return None
    return sorted(parsed, key=itemgetter("timestamp", "id")) if len(parsed) == len(found) else None


def _are_public(rows: Sequence[Mapping[str, Any]]) -> bool:
    names = rows[0].keys()
    return names <= _OF_A_PUBLIC_TRADE and all(row.keys() == names for row in rows)


@lru_cache(maxsize=4096)
def _second(second: int) -> str | None:
    """A second as text, up to the point before its fraction."""
    written = _iso8601(second * 1000)
    return None if written is None else written[:-4]


def _iso8601(timestamp: Any) -> str | None:
    from ccxt import Exchange  # noqa: PLC0415 - costs a second and 80 MB: loaded with the client already

    written: str | None = Exchange.iso8601(timestamp)
    return written
