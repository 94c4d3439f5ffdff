"""A score as it is explained to a user, computed again with the pure functions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from market.candles import aggregate
from market.model import TIMEFRAME_SECONDS, Candles
from market.shares import weighted_mean
from market.timeframe_view import TimeframeView, view_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Facts = Mapping[str, float]


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


FROM_FACTS: dict[str, Callable[[Facts], float]] = {
    "cvd": lambda of: of["signed"] / of["notional"],
    "large": lambda of: of["signed"] / of["notional"],
    "pace": lambda of: math.tanh(2 * (of["newer"] - of["older"])),
    "open_interest": lambda of: (
        _sign(of["price_change"]) * max(0.0, math.tanh((of["now"] / of["hour_ago"] - 1) / 0.01))
    ),
    "imbalance": lambda of: math.tanh(2 * (of["bids"] - of["asks"]) / (of["bids"] + of["asks"])),
    "depth": lambda of: math.tanh(math.log(of["bids"] / of["asks"])),
    "microprice": lambda of: (of["bid"] - of["ask"]) / (of["bid"] + of["ask"]),
    "funding": lambda of: -math.tanh(of["rate"] * 8 / of["interval_h"] / 0.0005),
    "long_short": lambda of: -math.tanh(math.log(of["ratio"])),
    "breadth": lambda of: 2 * of["above"] / of["symbols"] - 1,
}
"""Each sub-score that is computed once per symbol, from the numbers that an explained score lists with it."""


def view_at(moved: Candles, timeframe: str, part: Mapping[str, Any]) -> TimeframeView:
    """The view of the recorded candles, cut where the score says that its series ended."""
    series = moved if timeframe == "1m" else aggregate(moved, timeframe)
    end = int((part["closed_at"] * 1000 - series.first_open_ms) // series.step_ms)
    assert part["closed_at"] % TIMEFRAME_SECONDS[timeframe] == 0
    columns = {
        name: getattr(series, name)[end - part["bars"] : end]
        for name in ("open", "high", "low", "close", "volume", "filled")
    }
    first_open_ms = series.first_open_ms + (end - part["bars"]) * series.step_ms
    return view_of(Candles(timeframe, first_open_ms, **columns))


def assert_component(said: Mapping[str, Any], component: str, views: Mapping[str, TimeframeView]) -> None:
    """The component, its sub-scores and their parts are what these views give."""
    values, weights = [], []
    for sub_score in said["sub_scores"]:
        name = sub_score["name"]
        for timeframe, part in sub_score["timeframes"].items():
            assert part["value"] == pytest.approx(views[timeframe].value(component, name), abs=1e-9)
        mean, _ = weighted_mean(
            [view.value(component, name) for view in views.values()],
            tuple(sub_score["timeframes"][timeframe]["weight"] for timeframe in views),
        )
        assert sub_score["value"] == pytest.approx(mean, abs=1e-9)
        values.append(mean)
        weights.append(sub_score["weight"])
    expected, _ = weighted_mean(values, tuple(weights))
    assert expected is not None
    assert said["score"] == pytest.approx(50 + 50 * expected, abs=1e-9)


def assert_facts(said: Mapping[str, Any]) -> int:
    """Every sub-score of an explained component follows from its listed numbers; how many have a value."""
    there = [sub_score for sub_score in said["sub_scores"] if sub_score["value"] is not None]
    for sub_score in there:
        expected = FROM_FACTS[sub_score["name"]](sub_score["facts"])
        assert sub_score["value"] == pytest.approx(expected, abs=1e-9), sub_score["name"]
        assert sub_score["inputs"], sub_score["name"]
    return len(there)
