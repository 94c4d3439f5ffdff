"""A process that evaluates alerts over a real cache, fed by hand."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import settings as environment
from cache import Put, TieredCache
from cache.catalogue import (
    ALERTS,
    BETA,
    CANDLES,
    CONFLUENCE,
    EXCHANGE_STATUS,
    TICKERS,
    UNIVERSE,
)
from tasks import alerts, wire
from tests.support.raised import Alert, raised

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cache import Key
    from market.model import Candles

EXCHANGE = "simulated"
BITCOIN, ETHER = "BTC/USDT:USDT", "ETH/USDT:USDT"


class Clock:
    """Real time, plus what a test adds."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        """Now."""
        return time.time() + self.ahead

    def move(self, seconds: float) -> None:
        """Let time pass at once."""
        self.ahead += seconds


@dataclass
class Desk:
    """One process of the scorer; `symbols` are those that are listed."""

    clock: Clock = field(default_factory=Clock)
    symbols: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        loaded = environment.load()
        self.cache = TieredCache.from_settings(loaded, clock=self.clock, name=None)
        self.house = wire.House(settings=loaded, cache=self.cache, clock=self.clock, exchange=None)
        self.memory = alerts.Memory()

    def evaluate(self) -> None:
        """Run the task in this process."""
        wire._houses[os.getpid()] = self.house
        alerts._memories[os.getpid()] = self.memory
        alerts.evaluate()

    def list_symbols(self, *symbols: str) -> None:
        """Have the exchange list them."""
        self.symbols = symbols
        rows = [{"symbol": symbol} for symbol in symbols]
        self.cache.put(UNIVERSE.key(exchange=EXCHANGE), {"instruments": rows, "timeframes": ["5m"]})

    def score(self, scores: Mapping[str, float | None], *, lacking: str = "") -> None:
        """Store scores of these symbols; with `lacking` one component is missing for that reason."""
        missing = [{"name": "orderflow", "reason": lacking}] if lacking else []
        self.cache.put_many(
            [
                Put(
                    CONFLUENCE.key(exchange=EXCHANGE, symbol=symbol),
                    {"score": score, "stale": [], "missing": missing},
                )
                for symbol, score in scores.items()
            ]
        )

    def price(self, *symbols: str) -> None:
        """Have the exchange confirm the prices of these symbols now."""
        rows = {symbol: {"last": 1.0, "confirmed_at": self.clock()} for symbol in symbols}
        self.cache.put(TICKERS.key(exchange=EXCHANGE), {"tickers": rows})

    def status(self, state: str, source: str = "tickers") -> None:
        """Store how one source is doing."""
        value = {"state": state, "since": self.clock(), "reason": "refused", "retry_at": None}
        self.cache.put(EXCHANGE_STATUS.key(exchange=EXCHANGE, source=source), value)

    def candles(self, symbol: str, series: Candles) -> None:
        """Store candles of five minutes."""
        key = CANDLES.key(exchange=EXCHANGE, symbol=symbol, timeframe="5m")
        self.cache.put(key, series.to_plain(), as_of=series.closed_at)

    def divergence(self, rows: Mapping[str, float | None]) -> None:
        """Store betas with these divergences."""
        symbols = {symbol: {"ols": None, "ewma": None, "divergence_z": z} for symbol, z in rows.items()}
        self.cache.put(BETA.key(exchange=EXCHANGE, timeframe="5m"), {"symbols": symbols})

    def shown(self) -> list[Alert]:
        """What readers see, newest first."""
        entry = self.cache.get(ALERTS.key(scope="recent"))
        return [] if entry is None else list(entry.value["alerts"])

    def raised(self) -> list[Alert]:
        """What the journal has, newest first."""
        return raised(self.cache)


def kinds(found: Iterable[Alert]) -> list[tuple[str, str | None]]:
    """Kind and symbol of each, newest first."""
    return [(alert["kind"], alert["symbol"]) for alert in found]


def ending(series: Candles, at: float) -> Candles:
    """The series with its newest bar closing at that Unix time."""
    return replace(series, first_open_ms=int(at * 1000) - len(series) * series.step_ms)


def score_key(symbol: str) -> Key:
    """Where the score of a symbol is."""
    return CONFLUENCE.key(exchange=EXCHANGE, symbol=symbol)
