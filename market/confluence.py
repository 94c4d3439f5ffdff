"""The confluence score: what is there, weighted; what is missing, left out and named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from market.components.definition import bounded
from market.components.registry import COMPONENTS, PER_SYMBOL
from market.confidence import agreement, input_states, quality, strength, why_no_view
from market.score import NO_FACTS, ComponentPart, Input, Score, SubScorePart, TimeframePart
from market.score_inputs import CANDLES, NOT_YET
from market.signals import band_of, next_signal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from market.components.definition import Component, Measured, SubScore
    from market.score_inputs import ScoreInputs
    from market.signals import Signal
    from market.timeframe_view import TimeframeView


@dataclass(frozen=True, slots=True)
class _Frame:
    """One timeframe: its view, or why there is none to be read, and the candles as an input."""

    name: str
    weight: float
    view: TimeframeView | None
    reason: str | None
    closed_at: float | None
    bars: int | None
    candles: tuple[Input, ...]


@dataclass(frozen=True, slots=True)
class _Material:
    """All that one score is computed from, looked at once."""

    inputs: ScoreInputs
    frames: Mapping[str, _Frame]
    reasons: Mapping[str, str]
    ages: Mapping[str, float]


class _Reading(NamedTuple):
    """What a sub-score came to, before its share of the component is known."""

    value: float | None
    reason: str | None
    inputs: tuple[Input, ...] = ()
    timeframes: Mapping[str, TimeframePart] | None = None
    facts: Mapping[str, float] = NO_FACTS


class _Whole(NamedTuple):
    """What a component came to, before its share of the score is known."""

    x: float | None
    reason: str | None
    sub_scores: tuple[SubScorePart, ...]


def confluence(
    *,
    exchange: str,
    symbol: str,
    inputs: ScoreInputs,
    component_weights: Mapping[str, float],
    timeframe_weights: Mapping[str, float],
    now: float,
    previous_signal: Signal | None = None,
    stale_inputs: Collection[str] = (),
    reasons: Mapping[str, str] | None = None,
) -> Score:
    """Score one symbol from its timeframe views and everything else that is known of it.

    `stale_inputs` names the inputs that are past their life, `reasons` says why an input is
    absent; both name an input as `market.score_inputs` does: "candles 1m", "order_book", "trades".
    `now` becomes `computed_at`, in Unix seconds, and enters no number.
    """
    reasons = reasons or {}
    frames = {name: _frame(name, weight, inputs, reasons) for name, weight in timeframe_weights.items()}
    material = _Material(inputs, frames, reasons, inputs.ages())
    weights = {component.name: component_weights.get(component.name, 0.0) for component in COMPONENTS}
    wholes = {component.name: _component(component, material, timeframe_weights) for component in COMPONENTS}
    x, shares = weighted_mean({name: whole.x for name, whole in wholes.items()}, weights)
    parts = {
        name: ComponentPart(whole.x, weights[name], shares[name], whole.reason, whole.sub_scores)
        for name, whole in wholes.items()
    }
    score = None if x is None else 50.0 + 50.0 * x
    states = input_states(
        parts, inputs, timeframe_weights=timeframe_weights, stale=stale_inputs, reasons=reasons
    )
    trust, agreed, far = quality(states), agreement(parts.values()), strength(score)
    confidence = None if agreed is None or far is None else min(trust, agreed, far)
    return Score(
        exchange=exchange,
        symbol=symbol,
        score=score,
        band=band_of(score),
        signal=next_signal(previous_signal, score, confidence),
        confidence=confidence,
        quality=trust,
        agreement=agreed,
        strength=far,
        components=parts,
        missing={name: part.reason for name, part in parts.items() if part.x is None and part.reason},
        inputs=states,
        as_of=_oldest(parts.values()),
        computed_at=now,
    )


def weighted_mean(
    values: Mapping[str, float | None], weights: Mapping[str, float]
) -> tuple[float | None, dict[str, float | None]]:
    """Weighted mean of the values that are there, and each one's share; the shares present sum to 1."""
    total = weighted = 0.0
    for name, value in values.items():
        if value is not None:
            total += weights[name]
            weighted += weights[name] * value
    if total <= 0:
        return None, dict.fromkeys(values)
    shares = {name: None if value is None else weights[name] / total for name, value in values.items()}
    return bounded(weighted / total), shares


def _frame(name: str, weight: float, inputs: ScoreInputs, reasons: Mapping[str, str]) -> _Frame:
    view = inputs.views.get(name)
    closed_at, bars = (None, None) if view is None else (view.closed_at, view.bars)
    reason = why_no_view(inputs, name, reasons)
    return _Frame(name, weight, view, reason, closed_at, bars, _candles(name, view))


def _candles(timeframe: str, view: TimeframeView | None) -> tuple[Input, ...]:
    """The candles behind a view; none behind one without a bar."""
    if view is None or view.closed_at is None:
        return ()
    return (Input(CANDLES, timeframe, view.closed_at, view.bars),)


def _component(component: Component, material: _Material, weights: Mapping[str, float]) -> _Whole:
    """One component over `weights`, those of the timeframes."""
    name, sub_scores = component.name, component.sub_scores
    if component.scope == "timeframe":
        readings = [_over_timeframes(name, each.name, material, weights) for each in sub_scores]
    else:
        measured = PER_SYMBOL[name](material.inputs)
        readings = [_once(each, measured, material) for each in sub_scores]
    pairs = list(zip(sub_scores, readings, strict=True))
    x, shares = weighted_mean(
        {each.name: reading.value for each, reading in pairs}, {each.name: each.weight for each in sub_scores}
    )
    reason = None if x is not None else _sentence({each.name: read.reason or "" for each, read in pairs})
    return _Whole(x, reason, tuple(_part(each, shares[each.name], reading) for each, reading in pairs))


def _part(sub_score: SubScore, share: float | None, reading: _Reading) -> SubScorePart:
    return SubScorePart(
        sub_score.name,
        reading.value,
        sub_score.weight,
        share,
        sub_score.formula,
        reading.reason,
        reading.timeframes,
        reading.inputs,
        reading.facts,
    )


def _over_timeframes(
    component: str, name: str, material: _Material, weights: Mapping[str, float]
) -> _Reading:
    values: dict[str, float | None] = {}
    absent: dict[str, str] = {}
    for timeframe, frame in material.frames.items():
        value = None
        if frame.view is None or frame.reason is not None:
            absent[timeframe] = frame.reason or NOT_YET[CANDLES]
        else:
            value = frame.view.value(component, name)
            if value is None:
                absent[timeframe] = frame.view.missing.get(name, "not computed")
        values[timeframe] = value
    mean, shares = weighted_mean(values, weights)
    parts = {
        timeframe: TimeframePart(
            value := values[timeframe],
            frame.weight,
            shares[timeframe],
            frame.closed_at if value is not None else None,
            frame.bars if value is not None else None,
        )
        for timeframe, frame in material.frames.items()
    }
    used = [
        each
        for timeframe, frame in material.frames.items()
        if values[timeframe] is not None
        for each in frame.candles
    ]
    return _Reading(mean, _sentence(absent) if absent else None, tuple(used), parts)


def _once(sub_score: SubScore, measured: Measured, material: _Material) -> _Reading:
    """A sub-score from inputs that are known once per symbol."""
    absent = [name for name in sub_score.inputs if name not in material.ages]
    if absent:
        return _Reading(None, "; ".join(material.reasons.get(name, NOT_YET[name]) for name in absent))
    found = measured.found.get(sub_score.name)
    if found is None:
        return _Reading(None, measured.reasons.get(sub_score.name))
    used = tuple(Input(name, None, material.ages[name], None) for name in sub_score.inputs)
    if found.timeframe is not None:
        used += _candles(found.timeframe, material.inputs.views[found.timeframe])
    return _Reading(measured.values[sub_score.name], None, used, None, found.facts)


def _sentence(absent: Mapping[str, str]) -> str | None:
    """One line from reasons by name; a reason that all share is said once, with the names that share it."""
    if not absent:
        return None
    names_by_reason: dict[str, list[str]] = {}
    for name, reason in absent.items():
        names_by_reason.setdefault(reason, []).append(name)
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in names_by_reason.items())


def _oldest(parts: Iterable[ComponentPart]) -> float | None:
    times = [each.as_of for part in parts for sub in part.sub_scores for each in sub.inputs]
    return min(times, default=None)
