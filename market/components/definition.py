"""What a component of the score is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Scope = Literal["timeframe", "order_book"]


@dataclass(frozen=True, slots=True)
class SubScore:
    """One number in [-1, 1] that a component is a weighted mean of; `formula` is shown to the reader."""

    name: str
    weight: float
    formula: str


@dataclass(frozen=True, slots=True)
class Component:
    """A named part of the score, computed once per timeframe or once from the order book."""

    name: str
    scope: Scope | None = None
    sub_scores: tuple[SubScore, ...] = ()
    reason: str | None = None  # why it is not computed at all


@dataclass(frozen=True, slots=True)
class Measured:
    """Sub-scores by name, each in [-1, 1] or None, and for each None the reason."""

    values: Mapping[str, float | None]
    reasons: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, found: Mapping[str, float | str]) -> Measured:
        """From a number or a reason for each name; a number that is not finite counts as a reason."""
        values: dict[str, float | None] = {}
        reasons: dict[str, str] = {}
        for name, value in found.items():
            usable = not isinstance(value, str) and math.isfinite(value)
            values[name] = bounded(float(value)) if usable else None
            if not usable:
                reasons[name] = value if isinstance(value, str) else "the result is not a finite number"
        return cls(values, reasons)


def bounded(value: float) -> float:
    """The value clipped to [-1, 1]: rounding may carry a ratio a little past its end."""
    return min(1.0, max(-1.0, value))
