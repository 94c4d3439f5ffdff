"""Every kind of value that Tidemark caches: its lifetime and what it is derived from.

The one module of the package that knows the domain. Importing it checks the graph.
"""

from __future__ import annotations

from cache.graph import Catalogue
from cache.keys import Grace, Kind

EXCHANGE_SOURCES = (
    "universe", "tickers", "candles", "order_book", "trades", "open_interest", "funding", "long_short",
)  # fmt: skip
"""What an exchange is asked for: the `source` of its statuses."""

ALERT_KINDS = ("score", "return", "volume", "beta_divergence", "unreachable", "stale")
ALERT_SEVERITIES = ("info", "warning", "critical")
ALERT_JOURNAL = "alerts"
"""The journal in which alerts are raised and acknowledged."""
MOST_ALERTS = 1000
"""Most alerts in the cached list, the newest of the journal."""

CANDLE_GRACE = Grace(share=0.5, at_least_s=30, at_most_s=300)

UNIVERSE = Kind("universe", ("exchange",), ttl=7200)
MARKETS = Kind("markets", ("exchange",), ttl=7200)
EXCHANGE_STATUS = Kind("exchange_status", ("exchange", "source"), ttl=7200)
REFUSAL = Kind("refusal", ("exchange", "symbol", "input"), ttl=7200)
TICKERS = Kind("tickers", ("exchange",), ttl=60)
CANDLES = Kind("candles", ("exchange", "symbol", "timeframe"), ttl=60, close_grace=CANDLE_GRACE)
ORDER_BOOK = Kind("order_book", ("exchange", "symbol"), ttl=60)
TRADES = Kind("trades", ("exchange", "symbol"), ttl=60)
OPEN_INTEREST = Kind("open_interest", ("exchange", "symbol"), ttl=900)
FUNDING = Kind("funding", ("exchange",), ttl=300)
LONG_SHORT = Kind("long_short", ("exchange", "symbol"), ttl=900)
BREADTH = Kind("breadth", ("exchange",), ttl=45, derived_from=(TICKERS,))
INDICATORS = Kind(
    "indicators",
    ("exchange", "symbol", "timeframe"),
    ttl=45,
    derived_from=(CANDLES,),
    close_grace=CANDLE_GRACE.times(0.75),
)
CONFLUENCE = Kind(
    "confluence",
    ("exchange", "symbol"),
    ttl=30,
    derived_from=(INDICATORS, ORDER_BOOK, TRADES, OPEN_INTEREST, FUNDING, LONG_SHORT, BREADTH),
)
BETA = Kind(
    "beta",
    ("exchange", "timeframe"),
    ttl=45,
    derived_from=(CANDLES,),
    close_grace=CANDLE_GRACE.times(0.75),
    gathers=True,
)
ALERTS = Kind("alerts", ("scope",), ttl=60)
DASHBOARD = Kind(
    "dashboard",
    ("view",),
    ttl=20,
    derived_from=(CONFLUENCE, TICKERS, EXCHANGE_STATUS, BETA, ALERTS),
    gathers=True,
)

CATALOGUE = Catalogue(
    (
        UNIVERSE, MARKETS, EXCHANGE_STATUS, REFUSAL, TICKERS, CANDLES, ORDER_BOOK, TRADES, OPEN_INTEREST,
        FUNDING, LONG_SHORT, BREADTH, INDICATORS, CONFLUENCE, BETA, ALERTS, DASHBOARD,
    )
)  # fmt: skip
