"""Scores from recorded candles alone, without an exchange: what the file lacks is missing and named."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from market.candles import aggregate
from market.confluence import confluence
from market.model import TIMEFRAME_SECONDS
from market.score_inputs import CANDLES, INPUTS, ScoreInputs, candles_input
from market.timeframe_view import view_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from market.candle_files import Recording
    from market.score import Score
    from market.timeframe_view import TimeframeView

# As the settings have them; a test holds the two together.
COMPONENT_WEIGHTS = {
    "orderflow": 0.30, "orderbook": 0.20, "volume": 0.18, "price_structure": 0.15, "technical": 0.10,
    "sentiment": 0.07,
}  # fmt: skip
TIMEFRAME_WEIGHTS = {"1m": 0.50, "5m": 0.30, "30m": 0.15, "4h": 0.05}
BARS = 500
EXCHANGE = "recorded"
NOT_IN_THE_FILE = "not in the file"


@dataclass(frozen=True, slots=True)
class Terms:
    """How to score: weights, at most so many candles of each timeframe, and when (Unix seconds).

    `at` None is the close of each symbol's newest candle.
    """

    component_weights: Mapping[str, float] = field(default_factory=lambda: COMPONENT_WEIGHTS)
    timeframe_weights: Mapping[str, float] = field(default_factory=lambda: TIMEFRAME_WEIGHTS)
    bars: int = BARS
    at: float | None = None


def score_recorded(recording: Recording, symbol: str, terms: Terms) -> Score:
    """The score of one symbol of a recording, as it would have been at that time from candles alone."""
    now = recording.closes_at(symbol) if terms.at is None else terms.at
    views = {
        timeframe: _view(recording, symbol, timeframe, now, terms.bars)
        for timeframe in terms.timeframe_weights
    }
    reasons = dict.fromkeys((name for name in INPUTS if name != CANDLES), NOT_IN_THE_FILE)
    reasons |= {
        candles_input(timeframe): f"{recording.timeframe} candles do not add up to {timeframe}"
        for timeframe, view in views.items()
        if view is None
    }
    return confluence(
        exchange=EXCHANGE,
        symbol=symbol,
        inputs=ScoreInputs(views),
        component_weights=terms.component_weights,
        timeframe_weights=terms.timeframe_weights,
        now=now,
        stale_inputs=[candles_input(name) for name, view in views.items() if view and _is_stale(view, now)],
        reasons=reasons,
    )


def _view(recording: Recording, symbol: str, timeframe: str, now: float, bars: int) -> TimeframeView | None:
    """One timeframe, None where the recorded candles do not divide it."""
    each, rest = divmod(TIMEFRAME_SECONDS[timeframe] * 1000, recording.step_ms)
    if rest:
        return None
    # One group more than asked for: the first may be cut off.
    base = recording.candles(symbol, until=now, bars=(bars + 1) * each)
    return view_of(aggregate(base, timeframe).tail(bars))


def _is_stale(view: TimeframeView, now: float) -> bool:
    """Whether a newer candle of this timeframe should have closed by now."""
    return view.closed_at is not None and now - view.closed_at >= TIMEFRAME_SECONDS[view.timeframe]
