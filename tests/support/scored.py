"""A score of made up inputs of every kind, to be changed one at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from market.confluence import confluence
from market.score_inputs import ScoreInputs
from market.timeframe_view import view_of
from tests.support import made_inputs
from tests.support.made_candles import book, walk
from tests.support.made_inputs import NOW

if TYPE_CHECKING:
    from market.score import Score, SubScorePart

COMPONENT_WEIGHTS = {
    "orderflow": 0.3, "orderbook": 0.2, "volume": 0.18,
    "price_structure": 0.15, "technical": 0.1, "sentiment": 0.07,
}  # fmt: skip
TIMEFRAME_WEIGHTS = {"1m": 0.5, "5m": 0.3, "30m": 0.15, "4h": 0.05}
BOOK = book([(99.9, 3.0)], [(100.1, 1.0)], as_of=NOW - 2)
VIEWS = {
    timeframe: replace(view_of(walk(500, seed=seed, timeframe=timeframe)), closed_at=NOW - 20)
    for seed, timeframe in enumerate(TIMEFRAME_WEIGHTS)
}
INPUTS = ScoreInputs(
    VIEWS,
    BOOK,
    trades=made_inputs.trades([(800, 100, 3, -1), *[(400 - at, 100, 1, 1) for at in range(9)]]),
    open_interest=made_inputs.open_interest(1000.0, *[1001.0] * 11, 1010.0),
    funding=made_inputs.funding(1e-4),
    long_short=made_inputs.long_short(2.0),
    breadth=made_inputs.breadth(30, 40),
)


def scored(inputs: ScoreInputs = INPUTS, **changes: Any) -> Score:
    """A score of made up inputs, but for the changes."""
    arguments = {
        "exchange": "simulated",
        "symbol": "BTC/USDT:USDT",
        "inputs": inputs,
        "component_weights": COMPONENT_WEIGHTS,
        "timeframe_weights": TIMEFRAME_WEIGHTS,
        "now": NOW,
    }
    return confluence(**(arguments | changes))


def sub_score(score: Score, component: str, name: str) -> SubScorePart:
    """One sub-score by name."""
    return next(part for part in score.components[component].sub_scores if part.name == name)
