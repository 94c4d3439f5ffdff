"""What a failed call means: by HTTP status first, by ccxt's class second, in our few words.

ccxt turns 429 and 503 with a body of `{}` into a plain `ExchangeError` on some exchanges, and
403, 404 and 451 into a retryable one on others; the status is the only thing to rely on.
"""

from __future__ import annotations

import math
import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from market.errors import (
    BadAnswer,
    Banned,
    ExchangeUnavailable,
    MarketError,
    NotSupported,
    RateLimited,
    SymbolUnknown,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

# Seconds to stay away when the exchange names none. Bybit lifts its 403 ("access too frequent")
# after 10 minutes without a call; a block by country (451) does not go away by itself.
PAUSE_AFTER = {429: 10.0, 403: 600.0, 418: 600.0, 451: 3600.0}
LONGEST_PAUSE_S = 3 * 86_400.0  # the longest ban that an exchange documents (Binance)
LONGEST_RESET_S = 60.0

# What ccxt's parsers raise on a body of a shape that they do not expect.
PARSER_FAILURES = (AttributeError, TypeError, LookupError, ValueError, ArithmeticError, RecursionError)

_NO_ENDPOINT = frozenset({404, 405, 410, 501})
_SERVER_ERRORS = range(500, 600)
_TRY_LATER = frozenset({408, 425})

_ASKED = re.compile(r"^\w+ (?:(?:GET|POST) https?://\S+ ?|(?=\{))")
_UNKNOWN_SYMBOL = re.compile(
    r"(symbol|instrument|pair)[^\"{}]{0,24}(invalid|unknown|err|not )"
    r"|(invalid|unknown) (symbol|instrument|pair)",
    re.IGNORECASE,
)


def translate(
    exc: BaseException,
    *,
    exchange: str,
    now: float,
    symbol: str | None = None,
    outer: BaseException | None = None,
) -> MarketError:
    """The error of ours that a failure inside a ccxt call stands for; `now` is our Unix time.

    `outer` is the exception that was already being handled when the call began, which Python
    chains to the new one although it says nothing about it.
    """
    if isinstance(exc, MarketError):
        return exc
    response = _response_of(exc, outer)
    if response is not None:
        error = _by_status(exc, response, exchange=exchange, now=now, symbol=symbol)
        if error is not None:
            return error
    return _by_class(exc, response, exchange=exchange, now=now, symbol=symbol)


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that `Retry-After` asks for, given as seconds or as an HTTP date; None without a usable one.

    No pause at all, or one without an end, says nothing: the status still does.
    """
    value = headers.get("Retry-After", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        until, said_at = http_date(value), http_date(headers.get("Date", ""))
        if until is None:
            return None
        # The exchange counts on its own clock.
        seconds = until - (now if said_at is None else said_at)
    return min(seconds, LONGEST_PAUSE_S) if 0 < seconds < math.inf else None


def http_date(value: str) -> float | None:
    """Unix seconds of an HTTP date, None when it is none."""
    try:
        return parsedate_to_datetime(value).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def describe_body(text: object) -> str:
    """What an answer is that should have been JSON, in a few words for a reason."""
    start = str(text).lstrip()[:1]
    if not start:
        return "an empty body"
    if str(text).strip() == "null":
        return "null"
    return {"<": "HTML", "{": "truncated JSON", "[": "truncated JSON"}.get(start, "no JSON")


def _response_of(exc: BaseException, outer: BaseException | None) -> Any | None:
    """The HTTP response behind an exception of sync ccxt: on the `requests` error it was raised from."""
    seen = {id(outer)}
    current: BaseException | None = exc
    while current is not None and id(current) not in seen:
        response = getattr(current, "response", None)
        if response is not None:
            return response
        seen.add(id(current))
        current = current.__cause__ or current.__context__
    return None


def _by_status(
    exc: BaseException, response: Any, *, exchange: str, now: float, symbol: str | None
) -> MarketError | None:
    status = int(response.status_code)
    reason = f"HTTP {status}"
    asked_for = retry_after_s(response.headers, now)
    if status in PAUSE_AFTER:
        pause = PAUSE_AFTER[status] if asked_for is None else asked_for
        if status == 429:  # noqa: PLR2004 - the status is its own name
            until = now + (_reset_s(response.headers, now) or pause if asked_for is None else pause)
            return RateLimited(exchange, reason, until=until, symbol=symbol)
        return Banned(exchange, reason, until=now + pause, symbol=symbol)
    if status in _TRY_LATER or (status in _SERVER_ERRORS and status not in _NO_ENDPOINT):
        return ExchangeUnavailable(exchange, reason, symbol=symbol, retry_after=asked_for)
    if status in _NO_ENDPOINT and not _unknown_symbol(exc):
        return NotSupported(exchange, reason, symbol=symbol)
    return None


def _by_class(
    exc: BaseException, response: Any | None, *, exchange: str, now: float, symbol: str | None
) -> MarketError:
    import ccxt  # noqa: PLC0415 - costs a second and 80 MB: only those who talk to an exchange pay it

    reason = _reason(exc, response)
    if isinstance(exc, ccxt.RateLimitExceeded | ccxt.DDoSProtection):
        return RateLimited(exchange, reason, until=now + PAUSE_AFTER[429], symbol=symbol)
    # No call of ours carries a key: being refused means that the address is (Bybit's 10009, 10024).
    if isinstance(exc, ccxt.AuthenticationError):
        return Banned(exchange, reason, until=now + PAUSE_AFTER[403], symbol=symbol)
    if symbol is not None and _unknown_symbol(exc):
        return SymbolUnknown(exchange, reason, symbol=symbol)
    if isinstance(exc, ccxt.NotSupported):
        return NotSupported(exchange, reason, symbol=symbol)
    if response is None and _is_network_failure(exc):
        return ExchangeUnavailable(exchange, reason, symbol=symbol)
    return BadAnswer(exchange, reason, symbol=symbol)


def _is_network_failure(exc: BaseException) -> bool:
    """Whether no answer came: ccxt's own classes, and TLS failures which it calls `ExchangeError`."""
    import ccxt  # noqa: PLC0415 - as above

    if isinstance(exc, ccxt.NullResponse | ccxt.BadResponse):
        return False
    return isinstance(exc, ccxt.OperationFailed | OSError) or isinstance(exc.__cause__, OSError)


def _unknown_symbol(exc: BaseException) -> bool:
    import ccxt  # noqa: PLC0415 - as above

    if isinstance(exc, ccxt.BadSymbol):
        return True
    return isinstance(exc, ccxt.BadRequest) and _UNKNOWN_SYMBOL.search(str(exc)) is not None


def _reset_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to the end of Bybit's window, which it names in milliseconds of Unix time."""
    try:
        seconds = float(headers.get("X-Bapi-Limit-Reset-Timestamp", "")) / 1000 - now
    except ValueError:
        return None
    return seconds if 0 < seconds <= LONGEST_RESET_S else None


def _reason(exc: BaseException, response: Any | None) -> str:
    import ccxt  # noqa: PLC0415 - as above

    if response is not None:
        return f"HTTP {int(response.status_code)}: {type(exc).__name__}"
    if not isinstance(exc, ccxt.BaseError | OSError):
        return f"an answer that cannot be read ({type(exc).__name__})"
    # Without ccxt's own name of the exchange, which is not always ours, and the address it asked.
    text = _ASKED.sub("", " ".join(str(exc).split()))[:160] or _cause(exc)
    return f"{type(exc).__name__}: {text}" if text else type(exc).__name__


def _cause(exc: BaseException) -> str:
    """What the system or the HTTP library said below an exception that says nothing itself."""
    said, seen = "", {id(exc)}
    below = exc.__cause__ or exc.__context__
    while below is not None and id(below) not in seen:
        seen.add(id(below))
        said = (isinstance(below, OSError) and below.strerror) or said or type(below).__name__
        below = below.__cause__ or below.__context__
    return said
