"""The technical component: one TechnicalRating v3 per timeframe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from market.components.definition import Component, Measured, SubScore

if TYPE_CHECKING:
    from market.technical_rating import Rating

COMPONENT = Component("technical", "timeframe", (SubScore("rating", 1.0, "TechnicalRating v3"),))


def measure(rating: Rating, *, bars: int) -> Measured:
    """The rating as a sub-score; absent when not one of its 26 items could be computed."""
    absent = f"not one item of the rating can be computed from {bars} bars"
    return Measured.of({"rating": absent if rating.rating is None else rating.rating})
