"""The score of one symbol with everything that it was made of, as it is stored and shown."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from market.score_inputs import candles_input

if TYPE_CHECKING:
    from collections.abc import Mapping

    from market.signals import Signal


NO_FACTS: Mapping[str, float] = MappingProxyType({})
"""Of a sub-score that took nothing but candles."""


# A score has some 70 of these and their like: a tuple is made in a third of the time of a frozen dataclass.
class Input(NamedTuple):
    """One value that a sub-score was computed from; `as_of` in Unix seconds."""

    kind: str
    timeframe: str | None
    as_of: float
    bars: int | None

    @property
    def name(self) -> str:
        """As inputs are named wherever one is missing or stale: "candles 1m", "trades"."""
        return self.kind if self.timeframe is None else candles_input(self.timeframe)

    def to_plain(self) -> dict[str, Any]:
        """The input as msgpack can carry it."""
        return {"kind": self.kind, "timeframe": self.timeframe, "as_of": self.as_of, "bars": self.bars}


class TimeframePart(NamedTuple):
    """One timeframe's contribution; `share` is its renormalised weight, None when it is missing."""

    value: float | None
    weight: float
    share: float | None
    closed_at: float | None
    bars: int | None

    def to_plain(self) -> dict[str, Any]:
        """The part as msgpack can carry it."""
        return {
            "value": self.value,
            "weight": self.weight,
            "share": self.share,
            "closed_at": self.closed_at,
            "bars": self.bars,
        }


class SubScorePart(NamedTuple):
    """One sub-score in [-1, 1]; `reason` names whatever of it is missing, wholly or on a timeframe.

    `facts` are the numbers that the formula took from inputs other than candles, by name.
    """

    name: str
    value: float | None
    weight: float
    share: float | None
    formula: str
    reason: str | None
    timeframes: Mapping[str, TimeframePart] | None
    inputs: tuple[Input, ...]
    facts: Mapping[str, float] = NO_FACTS

    def to_plain(self) -> dict[str, Any]:
        """The sub-score as msgpack can carry it."""
        timeframes = self.timeframes
        return {
            "name": self.name,
            "value": self.value,
            "weight": self.weight,
            "share": self.share,
            "formula": self.formula,
            "reason": self.reason,
            "timeframes": timeframes and {name: part.to_plain() for name, part in timeframes.items()},
            "inputs": [each.to_plain() for each in self.inputs],
            "facts": dict(self.facts),
        }


@dataclass(frozen=True, slots=True)
class ComponentPart:
    """One component: x in [-1, 1], its configured weight and its share of the score."""

    x: float | None
    weight: float
    share: float | None
    reason: str | None
    sub_scores: tuple[SubScorePart, ...]

    @property
    def score(self) -> float | None:
        """50 + 50 x, 0 to 100."""
        return None if self.x is None else 50.0 + 50.0 * self.x

    def to_plain(self) -> dict[str, Any]:
        """The component as msgpack can carry it."""
        return {
            "score": self.score,
            "x": self.x,
            "weight": self.weight,
            "share": self.share,
            "reason": self.reason,
            "sub_scores": [sub_score.to_plain() for sub_score in self.sub_scores],
        }


class InputState(NamedTuple):
    """What became of one input: whether a sub-score with weight used it, and why none did.

    `as_of` in Unix seconds, None for what is not there.
    """

    name: str
    as_of: float | None
    used: bool
    stale: bool
    reason: str | None

    def to_plain(self) -> dict[str, Any]:
        """The state as msgpack can carry it."""
        return {
            "name": self.name,
            "as_of": self.as_of,
            "used": self.used,
            "stale": self.stale,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Score:
    """The confluence score of one symbol: 0 to 100, 50 neutral, None when nothing is known.

    Confidence, quality, agreement and strength lie in [0, 1]; `missing` has a reason for each
    component without a value; `inputs` has every input that the quality counts; `as_of` is that of the
    oldest input used, in Unix seconds.
    """

    exchange: str
    symbol: str
    score: float | None
    band: str | None
    signal: Signal | None
    confidence: float | None
    quality: float | None
    agreement: float | None
    strength: float | None
    components: Mapping[str, ComponentPart]
    missing: Mapping[str, str]
    inputs: tuple[InputState, ...]
    as_of: float | None
    computed_at: float

    def to_plain(self) -> dict[str, Any]:
        """The score as msgpack and JSON can carry it."""
        return {
            "exchange": self.exchange,
            "symbol": self.symbol,
            "score": self.score,
            "band": self.band,
            "signal": self.signal,
            "confidence": self.confidence,
            "quality": self.quality,
            "agreement": self.agreement,
            "strength": self.strength,
            "components": {name: part.to_plain() for name, part in self.components.items()},
            "missing": [{"name": name, "reason": reason} for name, reason in self.missing.items()],
            "inputs": [each.to_plain() for each in self.inputs],
            "as_of": self.as_of,
            "computed_at": self.computed_at,
        }
