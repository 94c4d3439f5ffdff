"""Cache entries made by hand, for tests of what is built from them."""

from __future__ import annotations

from typing import Any

from cache.catalogue import ALERTS, BETA, CONFLUENCE, TICKERS
from cache.entry import Entry

NOW = 1_747_699_200.0
"""The one moment of these tests, in Unix seconds."""


def entry(key: Any, value: Any, *, as_of: float = NOW - 1, fresh_for: float = 10.0) -> Entry:
    """An entry as read at `NOW`."""
    return Entry(
        key=key, value=value, as_of=as_of, stored_at=as_of, fresh_until=NOW + fresh_for,
        usable_until=NOW + 1000, version=1, tier="memory", clock=lambda: NOW,
    )  # fmt: skip


def tickers(*, confirmed_ago: float = 3.0, **options: Any) -> Entry:
    """The tickers of an exchange with one symbol."""
    row = {
        "last": 101.0, "change_24h": 1.23456789, "turnover_24h": 5e6,
        "as_of": NOW - 3, "confirmed_at": NOW - confirmed_ago,
    }  # fmt: skip
    return entry(TICKERS.key(exchange="okx"), {"tickers": {"BTC/USDT": row}}, **options)


def score(value: float | None = 71.234567, late: list[str] | None = None, **options: Any) -> Entry:
    """A score of that symbol, with one component missing."""
    body = {
        "score": value,
        "band": "bullish",
        "signal": "long",
        "confidence": 0.5,
        "components": {"technical": {"score": 60.0}},
        "missing": [{"name": "sentiment", "reason": "no funding rate"}],
        "stale": late or [],
    }
    return entry(CONFLUENCE.key(exchange="okx", symbol="BTC/USDT"), body, **options)


def beta_window(*symbols: str, reason: str | None = None, **options: Any) -> Entry:
    """One window of betas of an exchange, of one symbol unless others are named."""
    figures = {
        symbol: {
            "ols": {"beta": 1.23456789, "correlation": 0.87654321, "r2": 0.75, "n": 288},
            "ewma": None, "divergence_z": -2.71828182, "as_of": NOW - 5, "reason": None,
        }
        for symbol in symbols or ("BTC/USDT",)
    }  # fmt: skip
    value = {
        "timeframe": "5m", "bars": 288, "leader": "BTC/USDT", "as_of": NOW - 5, "reason": reason,
        "symbols": figures if reason is None else {}, "made_of": "0",
    }  # fmt: skip
    return entry(BETA.key(exchange="okx", timeframe="5m"), value, **options)


def alerts_entry(count: int, **options: Any) -> Entry:
    """The newest alerts, the last one raised first."""
    alerts = [
        {
            "id": str(number), "kind": "score", "exchange": "okx", "symbol": "BTC/USDT", "severity": "info",
            "text": "score 71.2, up through 70", "raised_at": NOW - 100 + number, "acknowledged_at": None,
            "data": {"score": 71.2},
        }
        for number in range(count, 0, -1)
    ]  # fmt: skip
    return entry(ALERTS.key(scope="recent"), {"alerts": alerts, "evaluated_at": NOW - 2}, **options)
