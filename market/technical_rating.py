"""TechnicalRating v3: 15 averages and 11 oscillators vote +1, 0 or -1 on the newest closed bar.

Source: the rules of TradingView's published library of that name, version 3. Its website gauge is
computed elsewhere and differs on some symbols.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from market.rating_items import ABSENT, AVERAGES, OSCILLATORS
from market.series import Series, reasons, stacked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from market.model import Candles, Floats

    Vote = int | None

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


def technical_rating(candles: Candles) -> Rating:
    """Rate closed candles; items that need more bars, or that divide by zero, are absent."""
    return technical_ratings([candles])[0]


@np.errstate(all="ignore")
def technical_ratings(candles: Sequence[Candles]) -> list[Rating]:
    """The rating of each of several series of equal length."""
    columns = stacked(candles)
    usable = [reason is None for reason in reasons(columns)]
    rated = iter(rate(Series(columns[:, usable])) if any(usable) else ())
    return [next(rated) if each else NO_RATING for each in usable]


def rate(series: Series) -> list[Rating]:
    """Rate prepared series of at least one bar."""
    votes = np.array([rule(series) for rule in RULES])
    there = votes != ABSENT
    sums, counts = (np.add.reduceat(each, GROUPS, axis=0, dtype=np.int64) for each in (votes * there, there))
    groups = sums / counts
    averages, oscillators = groups
    without = np.isnan(groups)
    rating = np.where(without[0], oscillators, np.where(without[1], averages, (averages + oscillators) / 2))
    # As an index -1 is the last one.
    said = _SAID[votes.T].tolist()
    means = (_or_none(each) for each in (averages, oscillators, rating))
    return [
        Rating(dict(zip(ITEMS, each, strict=True)), *three) for each, *three in zip(said, *means, strict=True)
    ]


def _or_none(values: Floats) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]


RULES = (*AVERAGES.values(), *OSCILLATORS.values())
GROUPS = (0, len(AVERAGES))
"""Where the averages begin among the items, and the oscillators."""
ITEMS = (*AVERAGES, *OSCILLATORS)
NO_RATING = Rating(dict.fromkeys(ITEMS), None, None, None)
_SAID = np.array([0, 1, None, -1], dtype=object)
