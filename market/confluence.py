"""The confluence score: what is there, weighted; what is missing, left out and named."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from market.components import technical
from market.components.registry import COMPONENTS, PER_SYMBOL
from market.confidence import agreement, input_states, quality, strength, used_by, why_no_view
from market.score import NO_FACTS, ComponentPart, Input, Score, SubScorePart, TimeframePart
from market.score_inputs import CANDLES, NOT_YET
from market.shares import weighted_mean
from market.signals import band_of, next_signal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from market.components.definition import Component, Measured, SubScore
    from market.score_inputs import ScoreInputs
    from market.signals import Signal
    from market.timeframe_view import TimeframeView


class _Frame(NamedTuple):
    """One timeframe: its sub-scores by component, or why there is none to be read, and its candles."""

    name: str
    weight: float
    known: Mapping[str, Mapping[str, float | None]]
    missing: Mapping[str, str]
    reason: str | None
    closed_at: float | None
    bars: int | None
    candles: tuple[Input, ...]


class _Material(NamedTuple):
    """All that one score is computed from, looked at once; `candles` are those of all its timeframes."""

    inputs: ScoreInputs
    frames: tuple[_Frame, ...]
    weights: tuple[float, ...]
    candles: tuple[Input, ...]
    reasons: Mapping[str, str]
    others: Mapping[str, Input]


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
    material = _material(inputs, timeframe_weights, reasons)
    weights = [component_weights.get(component.name, 0.0) for component in COMPONENTS]
    wholes = [_component(component, material) for component in COMPONENTS]
    x, shares = weighted_mean([whole.x for whole in wholes], tuple(weights))
    parts = {
        component.name: ComponentPart(whole.x, weight, share, whole.reason, whole.sub_scores)
        for component, whole, weight, share in zip(COMPONENTS, wholes, weights, shares, strict=True)
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
        as_of=min([each.as_of for each in used_by(parts.values())], default=None),
        computed_at=now,
    )


def _material(
    inputs: ScoreInputs, timeframe_weights: Mapping[str, float], reasons: Mapping[str, str]
) -> _Material:
    frames = tuple([_frame(name, weight, inputs, reasons) for name, weight in timeframe_weights.items()])
    return _Material(
        inputs,
        frames,
        tuple(timeframe_weights.values()),
        tuple([each for frame in frames for each in frame.candles]),
        reasons,
        {name: Input(name, None, as_of, None) for name, as_of in inputs.ages().items()},
    )


def _frame(name: str, weight: float, inputs: ScoreInputs, reasons: Mapping[str, str]) -> _Frame:
    view = inputs.views.get(name)
    reason = why_no_view(inputs, name, reasons)
    if view is None:
        return _Frame(name, weight, {}, {}, reason, None, None, ())
    known = {} if reason else {**view.sub_scores, technical.COMPONENT.name: {"rating": view.technical.rating}}
    return _Frame(name, weight, known, view.missing, reason, view.closed_at, view.bars, _candles(name, view))


def _candles(timeframe: str, view: TimeframeView | None) -> tuple[Input, ...]:
    """The candles behind a view; none behind one without a bar."""
    if view is None or view.closed_at is None:
        return ()
    return (Input(CANDLES, timeframe, view.closed_at, view.bars),)


def _component(component: Component, material: _Material) -> _Whole:
    name, sub_scores = component.name, component.sub_scores
    if component.scope == "timeframe":
        columns = [frame.known.get(name, {}) for frame in material.frames]
        readings = [_over_timeframes(each.name, columns, material) for each in sub_scores]
    else:
        measured = PER_SYMBOL[name](material.inputs)
        readings = [_once(each, measured, material) for each in sub_scores]
    x, shares = weighted_mean([reading.value for reading in readings], component.weights)
    reason = None
    if x is None:
        reason = _sentence(
            {each.name: read.reason or "" for each, read in zip(sub_scores, readings, strict=True)}
        )
    parts = [_part(*each) for each in zip(sub_scores, shares, readings, strict=True)]
    return _Whole(x, reason, tuple(parts))


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
    name: str, columns: Sequence[Mapping[str, float | None]], material: _Material
) -> _Reading:
    """A sub-score from its values on each timeframe, in the order of the frames."""
    frames = material.frames
    values = [column.get(name) for column in columns]
    mean, shares = weighted_mean(values, material.weights)
    parts = {
        frame.name: TimeframePart(None, frame.weight, share, None, None)
        if value is None
        else TimeframePart(value, frame.weight, share, frame.closed_at, frame.bars)
        for frame, value, share in zip(frames, values, shares, strict=True)
    }
    if None not in values:
        return _Reading(mean, None, material.candles, parts)
    pairs = list(zip(frames, values, strict=True))
    absent = {
        frame.name: frame.reason or frame.missing.get(name, "not computed")
        for frame, value in pairs
        if value is None
    }
    used = [each for frame, value in pairs if value is not None for each in frame.candles]
    return _Reading(mean, _sentence(absent), tuple(used), parts)


def _once(sub_score: SubScore, measured: Measured, material: _Material) -> _Reading:
    """A sub-score from inputs that are known once per symbol."""
    known = material.others
    absent = [name for name in sub_score.inputs if name not in known]
    if absent:
        return _Reading(None, "; ".join([material.reasons.get(name, NOT_YET[name]) for name in absent]))
    found = measured.found.get(sub_score.name)
    if found is None:
        return _Reading(None, measured.reasons.get(sub_score.name))
    used = tuple([known[name] for name in sub_score.inputs])
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
