"""The few ways in which asking an exchange can fail; nothing else leaves `market.exchange`."""

from __future__ import annotations

from typing import Any


class MarketError(Exception):
    """Base of all; carries the exchange and, where there is one, the symbol."""

    word = "error"

    def __init__(self, exchange: str, reason: str, *, symbol: str | None = None) -> None:
        super().__init__(f"{exchange}{f' {symbol}' if symbol else ''}: {reason}")
        self.exchange = exchange
        self.symbol = symbol
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild from the fields: the default would call `__init__` with the message alone."""
        return _rebuilt, (type(self), self.args, self.__dict__)


class ExchangeUnavailable(MarketError):
    """No usable answer: refused, timed out or a 5xx; `retry_after` in seconds where it was named."""

    word = "unreachable"

    def __init__(
        self, exchange: str, reason: str, *, symbol: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(exchange, reason, symbol=symbol)
        self.retry_after = retry_after


class _Closed(MarketError):
    """The exchange asks us to stay away `until` a Unix time in seconds."""

    def __init__(self, exchange: str, reason: str, *, until: float, symbol: str | None = None) -> None:
        super().__init__(exchange, reason, symbol=symbol)
        self.until = until


class RateLimited(_Closed):
    """Too many requests (429)."""

    word = "rate_limited"


class LimiterFull(RateLimited):
    """Our own limiter would wait longer than the caller's patience; the exchange itself said nothing."""


class Banned(_Closed):
    """The exchange refuses this address (403, 418, 451)."""

    word = "banned"


class SymbolUnknown(MarketError):
    """The exchange does not trade this symbol, or no longer."""

    word = "symbol_unknown"


class BadAnswer(MarketError):
    """An answer arrived that cannot be true: HTML, truncated, empty, or impossible prices."""

    word = "bad_answer"


class FewerMarkets(BadAnswer):
    """A list that lost most of the markets that were known; `listed` is the same for the same list."""

    def __init__(self, exchange: str, reason: str, *, listed: str) -> None:
        super().__init__(exchange, reason)
        self.listed = listed


class NotSupported(MarketError):
    """The exchange has no such endpoint."""

    word = "not_supported"


def _rebuilt(kind: type[MarketError], args: tuple[Any, ...], fields: dict[str, Any]) -> MarketError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(fields)
    return error
