"""What each kind of fault comes to in each call, and gaps in the candles of the exchange."""

from __future__ import annotations

from market.errors import BadAnswer, Banned, ExchangeUnavailable, RateLimited
from tests.support.faulty_world import SOURCES

# The error, what the exchange's reason says, the seconds it wants to be left alone, and the fault's fields.
REFUSALS = {
    "403": (Banned, "HTTP 403", 600, {}),
    "418": (Banned, "HTTP 418", 600, {}),
    "429": (RateLimited, "HTTP 429", 30, {"retry_after_s": 30}),
    "500": (ExchangeUnavailable, "HTTP 500", None, {}),
    "502": (ExchangeUnavailable, "HTTP 502", None, {}),
    "503": (ExchangeUnavailable, "HTTP 503", 30, {"retry_after_s": 30}),
    "html": (BadAnswer, "answered with HTML", None, {}),
    "truncated": (BadAnswer, "answered with truncated JSON", None, {}),
    "null": (BadAnswer, "answered with null", None, {}),
    "empty": (BadAnswer, "answered with an empty body", None, {}),
    "timeout": (ExchangeUnavailable, "RequestTimeout", None, {"seconds": 0.4}),
    "reset": (ExchangeUnavailable, "NetworkError", None, {}),
}

# Faults beside calls that they do not concern.
WITHOUT_EFFECT = [
    *(("latency", source) for source in SOURCES),
    *((kind, source) for kind in ("stale_candles", "gap") for source in SOURCES if source != "candles"),
]

# Of an exchange whose clock lags: why an answer is refused, and what is said of the symbols; None if nothing.
BEHIND = {
    "universe": (None, None),
    "tickers": (None, "price not confirmed since"),
    "candles": (None, "inputs that are late: candles 1m"),
    "order_book": (None, "inputs that are late: order_book"),
    "trades": ("trades of the future", "inputs that are late: trades"),
    "funding": (None, None),  # a rate that is some minutes old is the rate
    "open_interest": ("a time that cannot be", "inputs that are late: open_interest"),
    "long_short": ("a time that cannot be", "inputs that are late: long_short"),
}


def gap(world, *, minutes, ends_before):
    """Let the exchange leave candles out, of which the last one opens so many minutes before the present."""
    stop_ms = (int(world.clock()) // 60 - ends_before) * 60_000
    world.fault("gap", "candles", from_ms=stop_ms - minutes * 60_000, to_ms=stop_ms, symbol="BTCUSDT")
