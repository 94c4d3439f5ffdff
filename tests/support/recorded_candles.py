"""Recorded candles as the market package sees them; tests skip with a reason without the recordings."""

from __future__ import annotations

import csv
import gzip
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from market.model import Candles
from tests.support.recordings import recordings

if TYPE_CHECKING:
    from pathlib import Path

MINUTES = "binance-usdm-2025-05/candles-1m.csv.gz"
FIVE_MINUTES = "binance-usdm-2025-03/candles-5m.csv.gz"
QUARTERS = "binance-usdm-2025-03/candles-15m.csv.gz"
HOURS = "binance-usdm-2025-03/candles-1h.csv.gz"
FUNDING = "binance-usdm-2025-03/funding-8h.csv.gz"
TIMEFRAMES = {MINUTES: "1m", FIVE_MINUTES: "5m", QUARTERS: "15m", HOURS: "1h"}


def recorded(file: str) -> dict[str, Candles]:
    """All series of one recorded file by symbol."""
    return _read(recordings("recordings", file), TIMEFRAMES[file])


@cache
def _read(path: Path, timeframe: str) -> dict[str, Candles]:
    rows: dict[str, list[list[float]]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            numbers = [float(row[name]) for name in ("timestamp", "open", "high", "low", "close", "volume")]
            rows.setdefault(row["symbol"], []).append(numbers)
    return {symbol: candles_of(np.array(numbers), timeframe) for symbol, numbers in rows.items()}


def candles_of(rows: np.ndarray, timeframe: str) -> Candles:
    """Candles from contiguous rows of time in ms, open, high, low, close and volume."""
    columns = (np.ascontiguousarray(rows[:, at]) for at in range(1, 6))
    return Candles(timeframe, int(rows[0, 0]), *columns, filled=np.zeros(len(rows), dtype=bool))


def recorded_funding(symbol: str, at: float) -> float:
    """The recorded funding rate of a symbol at the settlement of that second, a fraction per eight hours."""
    path = recordings("recordings", FUNDING)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            # Settlements are stamped some milliseconds late.
            if row["symbol"] == symbol and int(row["timestamp"]) // 1000 == int(at):
                return float(row["rate"])
    raise LookupError(f"no settlement of {symbol} at {at}")
