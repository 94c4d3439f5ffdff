"""Recorded market data, found through RECORDINGS_DIR; tests skip and say so without it."""

from __future__ import annotations

import csv
import gzip
import os
from collections import defaultdict
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from market.candles import fill_gaps
from market.model import Candles


def recordings(*parts: str) -> Path:
    """A folder of the recorded data, or a skip with the reason."""
    root = os.environ.get("RECORDINGS_DIR")
    if not root:
        pytest.skip("RECORDINGS_DIR is not set: recorded market data is not on this machine")
    folder = Path(root).joinpath(*parts)
    if not folder.exists():
        pytest.skip(f"RECORDINGS_DIR has no {'/'.join(parts)}")
    return folder


@lru_cache(maxsize=4)
def recorded_candles(file: Path, timeframe: str) -> dict[str, Candles]:
    """Every symbol of one candle file, oldest first."""
    rows: dict[str, list[list[float]]] = defaultdict(list)
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            names = ("timestamp", "open", "high", "low", "close", "volume")
            rows[row["symbol"]].append([float(row[name]) for name in names])
    return {
        symbol: fill_gaps(timeframe, np.asarray(sorted(table)), bars=len(table))
        for symbol, table in rows.items()
    }
