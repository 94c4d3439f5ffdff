"""How each symbol moves with Bitcoin: beta, correlation and R2 of log returns, and how far it has left it.

All symbols are measured at once, as rows of one matrix whose columns are the bars of the leader.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from market.model import Candles, Flags, Floats

LEADER = "BTC"
WINDOWS = {"5m": 288, "1h": 168}
"""Bars per window, by timeframe: a day of five minutes and a week of hours."""

LEAST_BARS = 30
DECAY = 0.94
DIVERGENCE_BARS = 120
MOST_BARS_BEHIND = 1  # series arrive one after the other once a bar has closed

# Log returns carry an error of about 1e-15, whatever the unit of the price: below this nothing moved.
_STILL = 1e-12


@dataclass(frozen=True, slots=True)
class Fit:
    """One regression on the leader: R2 is the square of the correlation, `n` counts the common bars."""

    beta: float
    correlation: float
    r2: float
    n: int

    def to_plain(self) -> dict[str, Any]:
        """The fit as msgpack and JSON can carry it."""
        return {"beta": self.beta, "correlation": self.correlation, "r2": self.r2, "n": self.n}


@dataclass(frozen=True, slots=True)
class Beta:
    """One symbol beside the leader; whatever is None has its reason.

    `as_of` is when the newest common bar closed, in Unix seconds.
    """

    ols: Fit | None = None
    ewma: Fit | None = None
    divergence_z: float | None = None
    as_of: float | None = None
    reason: str | None = None

    def to_plain(self) -> dict[str, Any]:
        """The figures as msgpack and JSON can carry them."""
        return {
            "ols": self.ols and self.ols.to_plain(),
            "ewma": self.ewma and self.ewma.to_plain(),
            "divergence_z": self.divergence_z,
            "as_of": self.as_of,
            "reason": self.reason,
        }


def leader_of(symbols: Iterable[str]) -> str | None:
    """The first symbol whose base is Bitcoin; None without one."""
    return next((symbol for symbol in symbols if symbol.partition("/")[0] == LEADER), None)


@np.errstate(all="ignore")  # what cannot be computed is None, and said so
def betas(leader: Candles, series: Mapping[str, Candles], *, bars: int) -> dict[str, Beta]:
    """Each series beside the leader's newest `bars` bars; raises ValueError for another timeframe.

    A bar is common where both have a log return: neither it nor the bar before was filled, and no
    price is zero or not a number. `ols` is least squares with an intercept, `ewma` the same with the
    weight .94 ** age in bars. `divergence_z` is where the newest of 120 residuals r - beta(ols) x r(BTC)
    stands among these 120: less their mean, by their sample deviation.
    """
    if not series:
        return {}
    x = _returns([leader], leader, bars)[0]
    y = _returns(list(series.values()), leader, bars)
    common = np.isfinite(x) & np.isfinite(y)
    x = np.where(np.isfinite(x), x, 0.0)
    y = np.where(common, y, 0.0)
    ages = np.arange(bars - 1, -1, -1)
    ols = _Fits.of(x, y, common.astype(np.float64))
    ewma = _Fits.of(x, y, common * DECAY**ages)
    gaps = _Gaps.of(x, y, common, ols.beta)
    return {symbol: _beta(leader, row, ols, ewma, gaps) for row, symbol in enumerate(series)}


@dataclass(frozen=True, slots=True)
class _Fits:
    """A weighted regression per row: deviations of leader and symbol, and their covariance over them."""

    beta: Floats
    correlation: Floats
    leader_deviation: Floats
    deviation: Floats

    @classmethod
    def of(cls, x: Floats, y: Floats, weights: Floats) -> _Fits:
        """Rows of `y` on `x`; a weight of zero leaves a bar out."""
        shares = weights / weights.sum(axis=1, keepdims=True)
        from_mean_x = x - (shares @ x)[:, None]
        from_mean_y = y - np.einsum("ij,ij->i", shares, y)[:, None]
        weighted_x = shares * from_mean_x
        variance_x = np.einsum("ij,ij->i", weighted_x, from_mean_x)
        variance_y = np.einsum("ij,ij,ij->i", shares, from_mean_y, from_mean_y)
        covariance = np.einsum("ij,ij->i", weighted_x, from_mean_y)
        correlation = np.clip(covariance / np.sqrt(variance_x * variance_y), -1.0, 1.0)
        return cls(covariance / variance_x, correlation, np.sqrt(variance_x), np.sqrt(variance_y))

    def still(self, row: int) -> str | None:
        """Who of the two did not move, so that there is nothing to divide by."""
        if not self.leader_deviation[row] > _STILL:
            return f"{LEADER} did not move in the common bars"
        return None if self.deviation[row] > _STILL else "the price did not move in the common bars"

    def fit(self, row: int, n: int) -> Fit:
        """One row as values."""
        correlation = float(self.correlation[row])
        return Fit(float(self.beta[row]), correlation, correlation * correlation, n)


@dataclass(frozen=True, slots=True)
class _Gaps:
    """Per row: how many bars are common, how many bars old the newest is, and its z among the newest 120."""

    common: Sequence[int]
    behind: Sequence[int]
    z: Floats
    spread: Floats

    @classmethod
    def of(cls, x: Floats, y: Floats, common: Flags, beta: Floats) -> _Gaps:
        """The residuals of rows of `y`, over the newest common bars of each."""
        newer = np.cumsum(common[:, ::-1], axis=1)[:, ::-1]  # common bars from here on, this one included
        taken = common & (newer <= DIVERGENCE_BARS)
        behind = np.argmax(common[:, ::-1], axis=1)
        residuals = y - beta[:, None] * x
        count = taken.sum(axis=1)
        mean = np.where(taken, residuals, 0.0).sum(axis=1) / count
        squares = np.where(taken, (residuals - mean[:, None]) ** 2, 0.0).sum(axis=1)
        spread = np.sqrt(squares / (count - 1))
        newest = residuals[np.arange(len(y)), residuals.shape[1] - 1 - behind]
        return cls(newer[:, 0].tolist(), behind.tolist(), (newest - mean) / spread, spread)


def _returns(series: Sequence[Candles], leader: Candles, bars: int) -> Floats:
    """Log returns, a row per series and a column per bar of the leader; NaN where there is none."""
    closes = np.full((len(series), bars + 1), np.nan)
    for row, candles in enumerate(series):
        if candles.timeframe != leader.timeframe:
            raise ValueError(f"cannot compare {candles.timeframe} with {leader.timeframe}")
        ahead_ms = candles.first_open_ms - leader.first_open_ms
        if ahead_ms % leader.step_ms:
            continue  # its bars lie across the leader's: none is common
        # The column of the series' first bar; the last column is the leader's newest.
        first = ahead_ms // leader.step_ms - len(leader) + bars + 1
        begin, end = max(0, -first), min(len(candles), bars + 1 - first)
        if begin < end:
            usable = ~candles.filled[begin:end] & (candles.close[begin:end] > 0)
            closes[row, first + begin : first + end] = np.where(usable, candles.close[begin:end], np.nan)
    return np.diff(np.log(closes), axis=1)


def _beta(leader: Candles, row: int, ols: _Fits, ewma: _Fits, gaps: _Gaps) -> Beta:
    n, behind = gaps.common[row], gaps.behind[row]
    as_of = leader.closed_at - behind * leader.step_ms / 1000 if n else None
    if n < LEAST_BARS:
        return Beta(as_of=as_of, reason=f"needs {LEAST_BARS} bars in common with {LEADER}, has {n}")
    still = ols.still(row)
    if still:
        return Beta(as_of=as_of, reason=still)
    still = ewma.still(row)
    apart = _no_divergence(gaps, row, float(ols.beta[row]))
    reasons = [still and f"exponentially weighted: {still}", apart and f"divergence: {apart}"]
    return Beta(
        ols=ols.fit(row, n),
        ewma=None if still else ewma.fit(row, n),
        divergence_z=None if apart else float(gaps.z[row]),
        as_of=as_of,
        reason="; ".join(filter(None, reasons)) or None,
    )


def _no_divergence(gaps: _Gaps, row: int, beta: float) -> str | None:
    """Why there is no z for this row; None when there is one."""
    n, behind = gaps.common[row], gaps.behind[row]
    if n < DIVERGENCE_BARS:
        return f"needs {DIVERGENCE_BARS} common bars, has {n}"
    if behind > MOST_BARS_BEHIND:
        return f"the newest common bar is {behind} bars old"
    return None if gaps.spread[row] > _STILL * (1 + abs(beta)) else f"it moves exactly as {LEADER} does"
