"""Sub-scores of many series at once, and how they become those of each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from market.components.definition import NOT_FINITE, Measured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from market.model import Flags, Floats


NO_TRUE_RANGE = "no true range"


@dataclass(frozen=True, slots=True)
class Column:
    """One sub-score of each series; `absent` has the reasons of those that are missing, and which these are.

    What is not finite is missing as well.
    """

    values: Floats
    absent: tuple[tuple[str, Flags], ...] = ()

    def reason(self, at: int) -> str:
        """Why the series with this number has none."""
        return next((reason for reason, those in self.absent if those[at]), NOT_FINITE)


def bent(values: Floats) -> Floats:
    """The hyperbolic tangent of each, by the function that the sub-scores of a symbol take as well."""
    return np.array([math.tanh(value) for value in values.tolist()])


def per_series(found: Mapping[str, Column | str], count: int) -> list[Measured]:
    """The sub-scores of each series, from a column or a reason that all share for each name."""
    missing = np.full(count, np.nan)
    values = np.array([missing if isinstance(each, str) else each.values for each in found.values()])
    there = np.isfinite(values)
    for at, each in enumerate(found.values()):
        if isinstance(each, Column):
            for _, those in each.absent:
                there[at] &= ~those
    # Rounding may carry a ratio a little past its end; never -0.0.
    rows = (np.clip(values, -1.0, 1.0) + 0.0).T.tolist()
    whole = there.all(axis=0).tolist()
    return [
        Measured(dict(zip(found, row, strict=True)))
        if whole[at]
        else _partly(found, row, there[:, at].tolist(), at)
        for at, row in enumerate(rows)
    ]


def _partly(found: Mapping[str, Column | str], row: list[float], there: list[bool], at: int) -> Measured:
    """One series that lacks a sub-score."""
    named = list(zip(found.items(), row, there, strict=True))
    return Measured(
        {name: value if known else None for (name, _), value, known in named},
        {
            name: each if isinstance(each, str) else each.reason(at)
            for (name, each), _, known in named
            if not known
        },
    )
