"""Everything that one series of closed candles says: the sub-scores of one symbol on one timeframe."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from market.components import technical
from market.components.registry import COMPONENTS, PER_TIMEFRAME
from market.series import Series, unusable_because
from market.technical_rating import NO_RATING, Rating, rate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from market.model import Candles

MOST_FILLED = 0.05
SPARK_BARS = 32
HOUR_MS = 3_600_000

_NAMES = {
    component.name: tuple(sub_score.name for sub_score in component.sub_scores)
    for component in COMPONENTS
    if component.scope == "timeframe"
}


@dataclass(frozen=True, slots=True)
class TimeframeView:
    """Sub-scores of one timeframe; `reason` says why the series as a whole is not scored.

    `filled` counts the bars that the exchange did not send; `sub_scores` has component -> name ->
    value for all but the technical component, whose one value is `technical.rating`; `missing`
    has a reason for each sub-score that is None; `spark` holds the newest closes, oldest first.
    `change_1h` is close now / close one hour ago - 1, where the timeframe divides an hour and there
    are bars enough; None in a series that is not scored.
    """

    timeframe: str
    bars: int
    filled: int
    closed_at: float | None
    close: float | None
    reason: str | None
    technical: Rating
    sub_scores: Mapping[str, Mapping[str, float | None]]
    missing: Mapping[str, str]
    spark: tuple[float, ...]
    change_1h: float | None = None

    def value(self, component: str, name: str) -> float | None:
        """One sub-score in [-1, 1], None when it is missing here."""
        if component == technical.COMPONENT.name:
            return self.technical.rating
        return self.sub_scores.get(component, {}).get(name)

    def to_plain(self) -> dict[str, Any]:
        """The view as msgpack can carry it."""
        return {
            "timeframe": self.timeframe,
            "bars": self.bars,
            "filled": self.filled,
            "closed_at": self.closed_at,
            "close": self.close,
            "reason": self.reason,
            technical.COMPONENT.name: self.technical.to_plain(),
            **{component: dict(values) for component, values in self.sub_scores.items()},
            "missing": dict(self.missing),
            "spark": list(self.spark),
            "change_1h": self.change_1h,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> TimeframeView:
        """The inverse of `to_plain`."""
        return cls(
            plain["timeframe"],
            plain["bars"],
            plain["filled"],
            plain["closed_at"],
            plain["close"],
            plain["reason"],
            technical=Rating.from_plain(plain[technical.COMPONENT.name]),
            sub_scores={name: plain[name] for name in PER_TIMEFRAME if name in plain},
            missing=plain["missing"],
            spark=tuple(plain["spark"]),
            change_1h=plain.get("change_1h"),
        )


@np.errstate(all="ignore")  # what cannot be computed is None, and said so
def view_of(candles: Candles) -> TimeframeView:
    """Score one series of closed candles; what it is too short or too flat for is None with a reason."""
    reason = unusable_because(candles)
    if reason:
        return _unscored(candles, reason, readable=False)
    filled_share = np.count_nonzero(candles.filled) / len(candles)
    if filled_share > MOST_FILLED:
        reason = f"{filled_share:.1%} of the bars were filled, more than {MOST_FILLED:.0%}"
        return _unscored(candles, reason, readable=True)
    series = Series(candles)
    rating = rate(series)
    measured = {name: measure(series) for name, measure in PER_TIMEFRAME.items()}
    missing = dict(technical.measure(rating, bars=series.bars).reasons)
    for component in measured.values():
        missing |= component.reasons
    return TimeframeView(
        **_facts(candles, readable=True),
        reason=None,
        technical=rating,
        sub_scores={name: component.values for name, component in measured.items()},
        missing=missing,
        change_1h=_hour_change(candles),
    )


def _hour_change(candles: Candles) -> float | None:
    bars, rest = divmod(HOUR_MS, candles.step_ms)
    if rest or len(candles) <= bars:
        return None
    change = float(candles.close[-1] / candles.close[-1 - bars] - 1.0)
    return change if math.isfinite(change) else None


def _facts(candles: Candles, *, readable: bool) -> dict[str, Any]:
    spark = tuple(candles.close[-SPARK_BARS:].tolist()) if readable else ()
    return {
        "timeframe": candles.timeframe,
        "bars": len(candles),
        "filled": int(np.count_nonzero(candles.filled)),
        "closed_at": candles.closed_at if len(candles) else None,
        "close": spark[-1] if spark else None,
        "spark": spark,
    }


def _unscored(candles: Candles, reason: str, *, readable: bool) -> TimeframeView:
    return TimeframeView(
        **_facts(candles, readable=readable),
        reason=reason,
        technical=NO_RATING,
        sub_scores={name: dict.fromkeys(_NAMES[name]) for name in PER_TIMEFRAME},
        missing={name: reason for names in _NAMES.values() for name in names},
    )
