"""What a component of the score is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

Scope = Literal["timeframe", "symbol"]

NOT_FINITE = "the result is not a finite number"


@dataclass(frozen=True, slots=True)
class SubScore:
    """One number in [-1, 1] that a component is a weighted mean of; `formula` is shown to the reader.

    `inputs` names what it is computed from, as `market.score_inputs` does; one that is computed on
    each timeframe has the candles of that timeframe alone and names nothing.
    """

    name: str
    weight: float
    formula: str
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Component:
    """A named part of the score, computed once per timeframe, or once per symbol from other inputs."""

    name: str
    scope: Scope
    sub_scores: tuple[SubScore, ...]
    weights: tuple[float, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", tuple(sub_score.weight for sub_score in self.sub_scores))


class Found(NamedTuple):
    """A sub-score with the numbers that its formula took, by name; `timeframe` if it took candles as well."""

    value: float
    facts: Mapping[str, float]
    timeframe: str | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """Sub-scores by name, each in [-1, 1] or None, and for each None the reason.

    `found` has the numbers behind the values of a component that is computed once per symbol.
    """

    values: Mapping[str, float | None]
    reasons: Mapping[str, str] = field(default_factory=dict)
    found: Mapping[str, Found] = field(default_factory=dict)

    @classmethod
    def of(cls, results: Mapping[str, Found | float | str]) -> Measured:
        """From a number or a reason for each name; a number that is not finite counts as a reason."""
        values: dict[str, float | None] = {}
        reasons: dict[str, str] = {}
        found: dict[str, Found] = {}
        for name, result in results.items():
            values[name] = None
            if isinstance(result, str):
                reasons[name] = result
            elif isinstance(result, Found):
                if math.isfinite(result.value) and all(map(math.isfinite, result.facts.values())):
                    values[name], found[name] = bounded(result.value), result
                else:
                    reasons[name] = NOT_FINITE
            elif math.isfinite(result):
                values[name] = bounded(result)
            else:
                reasons[name] = NOT_FINITE
        return cls(values, reasons, found)


def bounded(value: float) -> float:
    """The value clipped to [-1, 1], for rounding may carry a ratio a little past its end; never -0.0."""
    return min(1.0, max(-1.0, value)) + 0.0


def needs(bars: int, has: int) -> str:
    """The reason of a sub-score whose series is too short."""
    return f"needs {bars} bars, has {has}"
