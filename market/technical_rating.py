"""TechnicalRating v3: 15 averages and 11 oscillators vote +1, 0 or -1 on the newest closed bar.

Source: the rules of TradingView's published library of that name, version 3. Its website gauge is
computed elsewhere and differs on some symbols.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from market.rating_items import AVERAGES, OSCILLATORS
from market.series import Series, unusable_because

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from market.model import Candles
    from market.rating_items import Vote

BANDS = ((0.5, "strong buy"), (0.1, "buy"))


@dataclass(frozen=True, slots=True)
class Rating:
    """Votes by item; each group is the mean of its votes, the rating the mean of the groups present.

    All three lie in [-1, 1]. A group without one vote is None, and so is the rating without a group.
    """

    votes: Mapping[str, Vote]
    averages: float | None
    oscillators: float | None
    rating: float | None

    @property
    def band(self) -> str | None:
        """Strong buy above .5, buy above .1, neutral, sell below -.1, strong sell below -.5."""
        if self.rating is None:
            return None
        for edge, word in BANDS:
            if abs(self.rating) > edge:
                return word if self.rating > 0 else word.replace("buy", "sell")
        return "neutral"

    def to_plain(self) -> dict[str, Any]:
        """The rating as msgpack can carry it."""
        return {
            "rating": self.rating,
            "averages": self.averages,
            "oscillators": self.oscillators,
            "votes": dict(self.votes),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Rating:
        """The inverse of `to_plain`."""
        return cls(plain["votes"], plain["averages"], plain["oscillators"], plain["rating"])


@np.errstate(all="ignore")
def technical_rating(candles: Candles) -> Rating:
    """Rate closed candles; items that need more bars, or that divide by zero, are absent."""
    if unusable_because(candles):
        return NO_RATING
    return rate(Series(candles))


def rate(series: Series) -> Rating:
    """Rate a prepared series of at least one bar."""
    averages = [rule(series) for rule in AVERAGES.values()]
    oscillators = [rule(series) for rule in OSCILLATORS.values()]
    groups = _mean(averages), _mean(oscillators)
    votes = dict(zip(ITEMS, averages + oscillators, strict=True))
    return Rating(votes, *groups, _mean(groups))


def _mean(values: Iterable[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return sum(present) / len(present) if present else None


ITEMS = (*AVERAGES, *OSCILLATORS)
NO_RATING = Rating(dict.fromkeys(ITEMS), None, None, None)
