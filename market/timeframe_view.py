"""Everything that one series of closed candles says: the sub-scores of one symbol on one timeframe."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from market.components import technical
from market.components.registry import COMPONENTS, PER_TIMEFRAME
from market.series import CLOSE, Series, reasons, stacked
from market.technical_rating import NO_RATING, Rating, rate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from market.model import Candles, Floats

MOST_FILLED = 0.05
SPARK_BARS = 32
HOUR_MS = 3_600_000
# So many series at once, and what is computed from them stays in a processor's own cache.
TOGETHER = 50

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


def view_of(candles: Candles) -> TimeframeView:
    """Score one series of closed candles; what it is too short or too flat for is None with a reason."""
    return views_of([candles])[0]


@np.errstate(all="ignore")  # what cannot be computed is None, and said so
def views_of(candles: Sequence[Candles]) -> list[TimeframeView]:
    """Score many series, in their order; each view is the one that its series has alone.

    Series of one timeframe and length are computed together.
    """
    alike: dict[tuple[str, int], list[int]] = {}
    for at, each in enumerate(candles):
        alike.setdefault((each.timeframe, len(each)), []).append(at)
    found: dict[int, TimeframeView] = {}
    for places in alike.values():
        for begin in range(0, len(places), TOGETHER):
            some = places[begin : begin + TOGETHER]
            found.update(zip(some, _views([candles[at] for at in some]), strict=True))
    return [found[at] for at in range(len(candles))]


def _views(candles: list[Candles]) -> list[TimeframeView]:
    """Of series of one timeframe and length."""
    columns = stacked(candles)
    filled = [int(np.count_nonzero(each.filled)) for each in candles]
    sparks = list(map(tuple, columns[CLOSE, :, -SPARK_BARS:].tolist()))
    views: dict[int, TimeframeView] = {}
    for at, reason in enumerate(reasons(columns)):
        if reason:
            views[at] = _unscored(candles[at], filled[at], (), reason)
        elif filled[at] > MOST_FILLED * len(candles[at]):
            views[at] = _unscored(candles[at], filled[at], sparks[at], _too_many(filled[at], candles[at]))
    scored = [at for at in range(len(candles)) if at not in views]
    if scored:
        chosen = columns if not views else columns[:, scored]
        for at, parts in zip(scored, _scored(chosen, candles[0].step_ms), strict=True):
            facts = _facts(candles[at], filled[at], sparks[at])
            views[at] = TimeframeView(**facts, reason=None, **parts)
    return [views[at] for at in range(len(candles))]


def _scored(columns: Floats, step_ms: int) -> Iterator[dict[str, Any]]:
    """What each view says, of series that can be used."""
    series = Series(columns)
    measured = [measure(series) for measure in PER_TIMEFRAME.values()]
    changes = _hour_changes(columns[CLOSE], step_ms)
    for rating, change, *components in zip(rate(series), changes, *measured, strict=True):
        sub_scores = dict(zip(PER_TIMEFRAME, [each.values for each in components], strict=True))
        missing = (
            {} if rating.rating is not None else dict(technical.measure(rating, bars=series.bars).reasons)
        )
        for each in components:
            missing |= each.reasons
        yield {"technical": rating, "sub_scores": sub_scores, "missing": missing, "change_1h": change}


def _hour_changes(close: Floats, step_ms: int) -> list[float | None]:
    bars, rest = divmod(HOUR_MS, step_ms)
    if rest or close.shape[1] <= bars:
        return [None] * len(close)
    changes = close[:, -1] / close[:, -1 - bars] - 1.0
    return [change if math.isfinite(change) else None for change in changes.tolist()]


def _too_many(filled: int, candles: Candles) -> str:
    return f"{filled / len(candles):.1%} of the bars were filled, more than {MOST_FILLED:.0%}"


def _facts(candles: Candles, filled: int, spark: tuple[float, ...]) -> dict[str, Any]:
    """What every view says of its candles."""
    return {
        "timeframe": candles.timeframe,
        "bars": len(candles),
        "filled": filled,
        "closed_at": candles.closed_at if len(candles) else None,
        "close": spark[-1] if spark else None,
        "spark": spark,
    }


def _unscored(candles: Candles, filled: int, spark: tuple[float, ...], reason: str) -> TimeframeView:
    return TimeframeView(
        **_facts(candles, filled, spark),
        reason=reason,
        technical=NO_RATING,
        sub_scores={name: dict.fromkeys(_NAMES[name]) for name in PER_TIMEFRAME},
        missing={name: reason for names in _NAMES.values() for name in names},
    )
