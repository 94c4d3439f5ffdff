"""Funding, open interest and the ratio of long accounts: recorded, or seeded series that wander plausibly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator import noise
from simulator.model import DAY_MS, HOUR_MS, Instrument, Ints, Reals

if TYPE_CHECKING:
    from simulator.market import Market

FUNDING_MS = 8 * HOUR_MS
_FUNDING_BASE = 1e-4
_FUNDING_BOUND = 3e-3


def funding_rate(market: Market, instrument: Instrument, settled_ms: int) -> float:
    """The 8 h rate settled at a multiple of 8 h: the recorded one where there is one, else a seeded one."""
    recorded = market.funding_rate(instrument, settled_ms)
    if recorded is not None:
        return recorded
    wave = noise.smooth(noise.key(instrument.key, "funding"), settled_ms, 2 * DAY_MS)[0]
    return float(np.clip(_FUNDING_BASE + 1.2e-4 * wave, -_FUNDING_BOUND, _FUNDING_BOUND))


def open_interest(market: Market, instrument: Instrument, times_ms: Ints) -> Ints:
    """Open interest in steps at some times: recorded where it is, else seeded."""
    waves = [
        depth * noise.smooth(noise.key(instrument.key, "interest", knot), times_ms, knot)
        for depth, knot in ((0.10, 2 * DAY_MS), (0.03, 4 * HOUR_MS), (0.004, HOUR_MS // 6))
    ]
    level: Reals = 0.4 * instrument.daily_volume * np.exp(np.sum(waves, axis=0))
    steps = 10**instrument.qty_decimals
    recorded = [market.open_interest(instrument, time) for time in times_ms.tolist()]
    level = np.array([
        made if amount is None else round(amount * steps)
        for made, amount in zip(level.tolist(), recorded, strict=True)
    ])  # fmt: skip
    return np.maximum(1, level).astype(np.int64)


def long_share(market: Market, instrument: Instrument, times_ms: Ints) -> Reals:
    """The share of accounts that are long: recorded where it is, else seeded and between 0.2 and 0.8."""
    waves = [
        depth * noise.smooth(noise.key(instrument.key, "accounts", knot), times_ms, knot)
        for depth, knot in ((0.07, 3 * DAY_MS), (0.02, 6 * HOUR_MS), (0.004, HOUR_MS // 2))
    ]
    share: Reals = np.clip(0.53 + np.sum(waves, axis=0), 0.2, 0.8)
    recorded = [market.account_ratio(instrument, time) for time in times_ms.tolist()]
    return np.array([
        made if ratio is None else ratio / (1 + ratio)
        for made, ratio in zip(share.tolist(), recorded, strict=True)
    ])  # fmt: skip
