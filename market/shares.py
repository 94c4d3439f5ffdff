"""The weighted mean of what is there, and the share that each value has in it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from market.components.definition import bounded

if TYPE_CHECKING:
    from collections.abc import Sequence

# Weights are few, and mostly everything is there.
KNOWN = 4096


def weighted_mean(
    values: Sequence[float | None], weights: tuple[float, ...]
) -> tuple[float | None, tuple[float | None, ...]]:
    """Weighted mean of the values that are there, and each one's share; the shares present sum to 1."""
    total, shares = _shares(weights, tuple([value is not None for value in values]))
    if total <= 0:
        return None, shares
    weighted = 0.0
    for value, weight in zip(values, weights, strict=True):
        if value is not None:
            weighted += weight * value
    return bounded(weighted / total), shares


@lru_cache(maxsize=KNOWN)
def _shares(weights: tuple[float, ...], there: tuple[bool, ...]) -> tuple[float, tuple[float | None, ...]]:
    """The sum of the weights of what is there, and the share of each."""
    present = list(zip(weights, there, strict=True))
    total = 0.0
    for weight, known in present:
        if known:
            total += weight
    if total <= 0:
        return total, (None,) * len(weights)
    return total, tuple([weight / total if known else None for weight, known in present])
