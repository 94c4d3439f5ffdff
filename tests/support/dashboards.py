"""Published dashboards and scores made by hand, put into a cache as the tasks put them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from cache import TieredCache
from cache.catalogue import BETA, CONFLUENCE, DASHBOARD, EXCHANGE_STATUS, INDICATORS, TICKERS, UNIVERSE
from cache.wiring import make_tiers

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = 1_747_699_200.0
"""2025-05-20 00:00:00 UTC."""

MOVER_FIELDS = (
    "exchange", "symbol", "price", "change_24h", "turnover_24h", "price_as_of", "price_state",
)  # fmt: skip
PRESENT = {"technical": 61.4, "orderbook": 38.6, "price_structure": 72.5}
COMPONENTS = ("technical", "volume", "orderflow", "orderbook", "price_structure", "sentiment")


@dataclass
class MovableClock:
    """A clock that stands still until it is moved."""

    now: float = NOW

    def __call__(self) -> float:
        """Unix seconds."""
        return self.now

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


def memory_cache(clock: MovableClock) -> TieredCache:
    """A cache with nothing but this process's memory."""
    return TieredCache(tiers=make_tiers(clock=clock), clock=clock)


def row(symbol: str = "BTC/USDT:USDT", **fields: Any) -> dict[str, Any]:
    """One symbol of a dashboard; `fields` replace the defaults."""
    return {
        "exchange": "simulated", "symbol": symbol, "price": 103_251.4, "change_24h": -3.41,
        "turnover_24h": 6_200_000_000.0, "score": 71.25, "band": "strong_bullish", "signal": "long",
        "confidence": 0.34, "components": {name: PRESENT.get(name) for name in COMPONENTS},
        "missing": [name for name in COMPONENTS if name not in PRESENT], "as_of": NOW - 2, "age_s": 2.0,
        "state": "live", "reason": None, "spark": [1.0, 2.0, 1.5], "price_as_of": NOW - 2,
        "price_state": "live", **fields,
    }  # fmt: skip


def exchange(**fields: Any) -> dict[str, Any]:
    """One exchange of a dashboard."""
    return {
        "id": "simulated", "state": "ok", "since": NOW - 4000, "last_success_at": NOW - 1,
        "reason": None, "retry_at": None, **fields,
    }  # fmt: skip


def alert(number: int = 1, **fields: Any) -> dict[str, Any]:
    """One alert of a dashboard."""
    return {
        "id": str(number), "kind": "score", "exchange": "simulated", "symbol": "BTC/USDT:USDT",
        "severity": "info", "text": "score 71.2, up through 70", "raised_at": NOW - 60 * number,
        "acknowledged_at": None, **fields,
    }  # fmt: skip


def window(figures: dict[str, tuple[float | None, float | None]], **fields: Any) -> dict[str, Any]:
    """One window of betas on a dashboard, from beta and z by symbol."""
    symbols = {
        symbol: {
            "beta": beta, "correlation": None if beta is None else 0.8, "divergence_z": z,
            "reason": None if beta is not None else "needs 30 bars in common with BTC, has 3",
        }
        for symbol, (beta, z) in figures.items()
    }  # fmt: skip
    return {
        "leader": "BTC/USDT:USDT", "as_of": NOW - 5, "state": "live", "reason": None, "symbols": symbols,
        **fields,
    }  # fmt: skip


def document(rows: Sequence[dict[str, Any]] = (), **fields: Any) -> dict[str, Any]:
    """A whole dashboard over these rows, of one live symbol without any."""
    shown = list(rows) or [row()]
    mover = {name: shown[0][name] for name in MOVER_FIELDS}
    return {
        "schema": 1, "generated_at": NOW, "as_of": NOW - 2, "age_s": 2.0, "state": "live", "reason": None,
        "simulated": True, "exchanges": [exchange()],
        "overview": {
            "symbols": len(shown), "up": 0, "down": 1, "flat": 0, "turnover_24h": 6.2e9,
            "btc_price": 103_251.4, "btc_change_24h": -3.41, "breadth": 0.0, "volatility": None,
            "regime": "trend_up", "missing": {"volatility": "no hourly candles of BTC yet"}, "late": {},
        },
        "symbols": shown, "movers": {"gainers": [], "losers": [mover]}, "alerts": None, "beta": None,
        "missing": {"alerts": "not looked for", "beta": "not measured yet"}, "late": {}, **fields,
    }  # fmt: skip


def publish(
    cache: TieredCache, whole: dict[str, Any] | None = None, *, view: str = "data", etag: str = '"abc123"'
) -> bytes:
    """Put a dashboard where the web finds it; returns its body."""
    body = msgspec.json.encode(whole or document())
    value = {"body": body, "etag": etag, "content_type": "application/json", "complete": True}
    cache.put(DASHBOARD.key(view=view), value, as_of=NOW - 2)
    return body


def score(**fields: Any) -> dict[str, Any]:
    """An explained score as it is cached: one component with two sub-scores, one without any."""
    frames = {
        "1m": {"value": 0.25, "weight": 0.5, "share": 1.0, "closed_at": NOW, "bars": 500},
        "4h": {"value": None, "weight": 0.05, "share": None, "closed_at": None, "bars": None},
    }
    sub_scores = [
        {
            "name": "rating", "value": 0.25, "weight": 0.5, "share": 1.0, "formula": "TechnicalRating v3",
            "reason": "4h: no candles yet", "timeframes": frames,
            "inputs": [{"kind": "candles", "timeframe": "1m", "as_of": NOW - 7, "bars": 500}],
        },
        {
            "name": "imbalance", "value": None, "weight": 0.5, "share": None, "formula": "tanh(<x>)",
            "reason": "one side of the book is empty", "timeframes": None,
            "inputs": [{"kind": "order_book", "timeframe": None, "as_of": NOW - 65, "bars": None}],
        },
    ]  # fmt: skip
    return {
        "exchange": "simulated", "symbol": "BTC/USDT:USDT", "score": 62.5, "band": "bullish",
        "signal": "neutral", "confidence": 0.42, "quality": 0.49, "agreement": 1.0, "strength": 0.42,
        "components": {
            "technical": {
                "score": 62.5, "x": 0.25, "weight": 0.1, "share": 1.0, "reason": None,
                "sub_scores": sub_scores,
            },
            "sentiment": {
                "score": None, "x": None, "weight": 0.07, "share": None, "reason": "no funding rate",
                "sub_scores": [],
            },
        },
        "missing": [{"name": "sentiment", "reason": "no funding rate"}], "stale": [],
        "as_of": NOW - 3, "computed_at": NOW, **fields,
    }  # fmt: skip


def put_score(cache: TieredCache, **fields: Any) -> None:
    """Cache a score and the candles' view that belongs to it."""
    value = score(**fields)
    of = {"exchange": value["exchange"], "symbol": value["symbol"]}
    cache.put(CONFLUENCE.key(**of), value, as_of=NOW - 3)
    view = {"timeframe": "1m", "technical": {"votes": {"EMA10": 1, "RSI14": -1, "MACD": 0, "HMA9": None}}}
    cache.put(INDICATORS.key(**of, timeframe="1m"), view, as_of=NOW)
    ticker = {
        "last": 103_251.4, "change_24h": -3.41, "turnover_24h": 6.2e9, "as_of": NOW - 1,
        "confirmed_at": NOW - 1,
    }  # fmt: skip
    cache.put(TICKERS.key(exchange=of["exchange"]), {"tickers": {of["symbol"]: ticker}}, as_of=NOW - 1)


def put_beta(cache: TieredCache, timeframe: str, symbols: dict[str, Any], **fields: Any) -> None:
    """Cache a window of betas as the task does; `symbols` has beta and z, or a reason."""
    figures = {
        symbol: {
            "ols": None, "ewma": None, "divergence_z": None, "as_of": None, "reason": of,
        } if isinstance(of, str) else {
            "ols": {"beta": of[0], "correlation": 0.8, "r2": 0.64, "n": 168},
            "ewma": {"beta": of[0] + 0.25, "correlation": 0.7, "r2": 0.49, "n": 168},
            "divergence_z": of[1], "as_of": NOW, "reason": None,
        }
        for symbol, of in symbols.items()
    }  # fmt: skip
    value = {
        "timeframe": timeframe, "bars": {"5m": 288, "1h": 168}[timeframe], "leader": "BTC/USDT:USDT",
        "as_of": NOW, "symbols": figures, "reason": None, "made_of": "0", **fields,
    }  # fmt: skip
    key = BETA.key(exchange="simulated", timeframe=timeframe)
    cache.put(key, value, as_of=NOW)


def put_universe(cache: TieredCache, *symbols: str, exchange: str = "simulated") -> None:
    """Cache what an exchange lists."""
    instruments = [{"symbol": symbol} for symbol in symbols]
    cache.put(UNIVERSE.key(exchange=exchange), {"instruments": instruments}, as_of=NOW)


def put_status(cache: TieredCache, source: str, *, exchange: str = "simulated", **fields: Any) -> None:
    """Cache how one source of an exchange is doing: well, unless `fields` say otherwise."""
    value = {
        "state": "ok", "since": NOW - 60, "last_success_at": NOW - 60, "reason": None, "retry_at": None,
        **fields,
    }  # fmt: skip
    cache.put(EXCHANGE_STATUS.key(exchange=exchange, source=source), value, as_of=NOW)
