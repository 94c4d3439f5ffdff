"""Betas and divergence written a second time, with plain loops over dictionaries."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from market.beta import Beta


def by_hand(leader, candles, bars):
    """The same figures with plain loops over two dictionaries of log returns by closing time."""

    def returns(of):
        found = {}
        for at in range(1, len(of)):
            if not (of.filled[at] or of.filled[at - 1]):
                found[of.first_open_ms + at * of.step_ms] = math.log(of.close[at] / of.close[at - 1])
        return found

    x, y = returns(leader), returns(candles)
    newest = leader.first_open_ms + (len(leader) - 1) * leader.step_ms
    times = [t for t in sorted(x) if t in y and newest - t < bars * leader.step_ms]
    figures = {}
    for name, decay in (("ols", 1.0), ("ewma", 0.94)):
        weights = [decay ** ((newest - t) // leader.step_ms) for t in times]
        whole = sum(weights)
        mean_x = sum(w * x[t] for w, t in zip(weights, times, strict=True)) / whole
        mean_y = sum(w * y[t] for w, t in zip(weights, times, strict=True)) / whole
        xx = sum(w * (x[t] - mean_x) ** 2 for w, t in zip(weights, times, strict=True))
        yy = sum(w * (y[t] - mean_y) ** 2 for w, t in zip(weights, times, strict=True))
        xy = sum(w * (x[t] - mean_x) * (y[t] - mean_y) for w, t in zip(weights, times, strict=True))
        figures[name] = (xy / xx, xy / math.sqrt(xx * yy), xy * xy / (xx * yy), len(times))
    residuals = [y[t] - figures["ols"][0] * x[t] for t in times[-120:]]
    mean = sum(residuals) / len(residuals)
    deviation = math.sqrt(sum((each - mean) ** 2 for each in residuals) / (len(residuals) - 1))
    figures["z"] = (residuals[-1] - mean) / deviation
    return figures


def assert_by_hand(found: Beta, leader, candles, bars) -> None:
    """The figures are those of the plain loops, to nine digits."""
    expected = by_hand(leader, candles, bars)
    for fit, name in ((found.ols, "ols"), (found.ewma, "ewma")):
        assert fit is not None
        assert (fit.beta, fit.correlation, fit.r2, fit.n) == pytest.approx(
            expected[name], rel=1e-9, abs=1e-12
        )
    assert found.divergence_z == pytest.approx(expected["z"], rel=1e-9)
    assert found.reason is None
