"""How far a score can be trusted: what is missing or stale, how its components agree, how far it went."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from market.components.registry import COMPONENTS
from market.score import InputState
from market.score_inputs import CANDLES, INPUTS, NOT_YET, candles_input

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from market.score import ComponentPart, Input
    from market.score_inputs import ScoreInputs

MISSING_FACTOR = 0.7
STALE_FACTOR = 0.9
FULL_STRENGTH = 30.0
_WANTED = {
    component.name: {name for sub_score in component.sub_scores for name in sub_score.inputs}
    for component in COMPONENTS
}


def quality(states: Iterable[InputState]) -> float:
    """1, x0.7 for each missing input, x0.9 once when an input that is used is stale."""
    states = tuple(states)
    missing = sum(not state.used for state in states)
    stale = any(state.used and state.stale for state in states)
    return float(MISSING_FACTOR**missing * (STALE_FACTOR if stale else 1.0))


def agreement(parts: Iterable[ComponentPart]) -> float | None:
    """max(0, 1 - 2 population standard deviation of the x's that carry weight); 1 for a single one."""
    xs = [part.x for part in parts if part.x is not None and part.weight > 0]
    if not xs:
        return None
    mean = sum(xs) / len(xs)
    deviation = math.sqrt(sum((x - mean) ** 2 for x in xs) / len(xs))
    return max(0.0, 1.0 - 2.0 * deviation)


def strength(score: float | None) -> float | None:
    """Distance of the score from 50, 1 from 30 points on; None without a score."""
    return None if score is None else min(1.0, abs(score - 50.0) / FULL_STRENGTH)


def input_states(
    parts: Mapping[str, ComponentPart],
    inputs: ScoreInputs,
    *,
    timeframe_weights: Mapping[str, float],
    stale: Collection[str],
    reasons: Mapping[str, str],
) -> tuple[InputState, ...]:
    """Each input of the components that carry weight, and whether a sub-score of theirs could use it.

    An input is missing when none could: absent, too short, or without anything to say.
    """
    weighted = [component for component in COMPONENTS if parts[component.name].weight > 0]
    used = {(each.kind, each.timeframe) for each in used_by(parts[each.name] for each in weighted)}
    states = []
    if any(component.scope == "timeframe" for component in weighted):
        for timeframe in [name for name, weight in timeframe_weights.items() if weight > 0]:
            view, because = inputs.views.get(timeframe), None
            if (CANDLES, timeframe) not in used:
                because = (
                    why_no_view(inputs, timeframe, reasons) or f"{view.bars if view else 0} bars say nothing"
                )
            as_of = None if view is None else view.closed_at
            states.append(_state(candles_input(timeframe), as_of, because, stale))
    ages = inputs.ages()
    wanted = set[str]().union(*[_WANTED[component.name] for component in weighted])
    for name in INPUTS:
        if name in wanted:
            because = None if (name, None) in used else next(_said(name, parts), NOT_YET[name])
            states.append(_state(name, ages.get(name), because, stale))
    return tuple(states)


def used_by(parts: Iterable[ComponentPart]) -> Iterable[Input]:
    """Each input that a sub-score of these components used, once."""
    # Sub-scores that used the same inputs mostly have the same tuple of them.
    some = {id(sub_score.inputs): sub_score.inputs for part in parts for sub_score in part.sub_scores}
    return dict.fromkeys([each for inputs in some.values() for each in inputs])


def _state(name: str, as_of: float | None, because: str | None, stale: Collection[str]) -> InputState:
    return InputState(name, as_of, because is None, name in stale, because)


def why_no_view(inputs: ScoreInputs, timeframe: str, reasons: Mapping[str, str]) -> str | None:
    """Why a timeframe has nothing to say at all, None when it has."""
    view = inputs.views.get(timeframe)
    if view is None:
        return reasons.get(candles_input(timeframe), NOT_YET[CANDLES])
    return view.reason


def _said(name: str, parts: Mapping[str, ComponentPart]) -> Iterator[str]:
    """What the sub-scores of an input say about its absence."""
    for component in COMPONENTS:
        for sub_score, part in zip(component.sub_scores, parts[component.name].sub_scores, strict=True):
            if name in sub_score.inputs and part.reason:
                yield part.reason
