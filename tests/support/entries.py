"""Cache entries made by hand, for tests of what is built from them."""

from __future__ import annotations

from typing import Any

from cache.catalogue import CONFLUENCE, TICKERS
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
