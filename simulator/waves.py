"""Wandering levels and volatilities as functions of the day: moving averages of hashed noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simulator import noise

if TYPE_CHECKING:
    from simulator.model import Ints, Reals

DAY_MINUTES = 1440
_KNOT_MINUTES = 10
_KNOTS = DAY_MINUTES // _KNOT_MINUTES
# Moving averages with whole-number weights: exact, hence the same however the work is cut up.
_WEIGHT_UNIT = 1 << 20


def _weights(decay: float, length: int) -> Ints:
    weights: Ints = np.rint(decay ** np.arange(length)[::-1] * _WEIGHT_UNIT).astype(np.int64)
    return weights


_LEVEL_WEIGHTS = _weights(0.97, 180)
_HOURS_WEIGHTS = _weights(0.95, 96)
# The moving averages above have this deviation for noise of deviation 1.
_HOURS_DEVIATION = float(np.sqrt(np.sum((_HOURS_WEIGHTS / _WEIGHT_UNIT) ** 2)))
_SWING = 0.55
_RAMP = np.arange(_KNOT_MINUTES) / _KNOT_MINUTES


def _averaged(keys: Any, first: int, stop: int, weights: Ints) -> Reals:
    """A moving average of noise, shape (series, stop - first)."""
    index = np.arange(first - len(weights) + 1, stop)
    bells = noise.bell(noise.hashed(np.asarray(keys).reshape(-1, 1), index))
    windows = np.lib.stride_tricks.sliding_window_view(bells, len(weights), axis=1)
    sums: Ints = windows @ weights
    return sums.astype(np.float64) * (1.0 / (_WEIGHT_UNIT * noise.BELL_UNIT))


def levels_of(keys: Any, day: int, until: int) -> Reals:
    """The log level at each day's start, in daily deviations, shape (series, days)."""
    return _averaged(keys, day, until, _LEVEL_WEIGHTS)


def volatility_of(keys: Any, day: int, until: int) -> Reals:
    """The wandering size of returns around 1, shape (series, days, minutes)."""
    wave = _averaged(keys, day * _KNOTS, until * _KNOTS + 1, _HOURS_WEIGHTS) * (_SWING / _HOURS_DEVIATION)
    knots = np.exp(wave - _SWING**2 / 2)
    left, step = knots[:, :-1, None], np.diff(knots)[:, :, None]
    wandering: Reals = (left + step * _RAMP).reshape(len(knots), until - day, DAY_MINUTES)
    return wandering
