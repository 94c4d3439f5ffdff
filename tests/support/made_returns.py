"""Candles made up from log returns, and the betas of one such series."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from market.beta import Beta, betas
from tests.support.made_candles import FIRST_OPEN_MS, made

WINDOW = 150


def series(returns, *, start: int = 0, timeframe: str = "5m", filled=None):
    """Candles with these log returns after a first bar, `start` bars after the usual first one."""
    close = 100.0 * np.exp(np.concatenate(([0.0], np.cumsum(returns))))
    candles = made(close, close, close, close, np.ones(len(close)), timeframe=timeframe, filled=filled)
    return replace(candles, first_open_ms=FIRST_OPEN_MS + start * candles.step_ms)


def market(bars: int = WINDOW, *, seed: int = 3):
    """Log returns of a leader and of something that moves with it."""
    random = np.random.default_rng(seed)
    leader = random.normal(0, 0.003, bars)
    return leader, 1.4 * leader + random.normal(0, 0.002, bars)


def one(leader, candles, *, bars: int = WINDOW) -> Beta:
    """The figures of one series."""
    return betas(leader, {"X": candles}, bars=bars)["X"]
