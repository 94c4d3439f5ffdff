"""The confluence score: what is there, weighted; what is missing, left out and named."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from market.components import orderbook
from market.components.definition import Measured, bounded
from market.components.registry import COMPONENTS
from market.score import ComponentPart, Input, Score, SubScorePart, TimeframePart
from market.signals import band_of, next_signal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from market.components.definition import Component, SubScore
    from market.model import OrderBook
    from market.signals import Signal
    from market.timeframe_view import TimeframeView

MISSING_FACTOR = 0.7
STALE_FACTOR = 0.9
FULL_STRENGTH = 30.0
ORDER_BOOK = "order_book"
NO_CANDLES, NO_ORDER_BOOK = "no candles yet", "no order book yet"


def candles_input(timeframe: str) -> str:
    """The name of the candles of one timeframe among the inputs of a score."""
    return f"candles {timeframe}"


@dataclass(frozen=True, slots=True)
class _Inputs:
    """All that one score is computed from."""

    views: Mapping[str, TimeframeView | None]
    book: OrderBook | None
    measured_book: Measured
    timeframe_weights: Mapping[str, float]
    reasons: Mapping[str, str]

    def why_no_view(self, timeframe: str) -> str | None:
        """Why a timeframe has nothing to say at all, None when it has."""
        view = self.views.get(timeframe)
        if view is None:
            return self.reasons.get(candles_input(timeframe), NO_CANDLES)
        return view.reason


def confluence(
    *,
    exchange: str,
    symbol: str,
    views: Mapping[str, TimeframeView | None],
    book: OrderBook | None,
    component_weights: Mapping[str, float],
    timeframe_weights: Mapping[str, float],
    now: float,
    previous_signal: Signal | None = None,
    stale_inputs: Collection[str] = (),
    reasons: Mapping[str, str] | None = None,
) -> Score:
    """Score one symbol from its timeframe views and its order book.

    `stale_inputs` names the inputs that are past their life, `reasons` says why an input is
    absent; both name an input as `candles_input` does ("candles 1m") or as "order_book". `now`
    becomes `computed_at`, in Unix seconds.
    """
    reasons = reasons or {}
    inputs = _Inputs(views, book, _measured(book, reasons), timeframe_weights, reasons)
    parts = {
        component.name: _component(component, component_weights.get(component.name, 0.0), inputs)
        for component in COMPONENTS
    }
    x, shares = weighted_mean({name: part.x for name, part in parts.items()}, _weights(parts))
    components = {name: _with_share(part, shares[name]) for name, part in parts.items()}
    score = None if x is None else 50.0 + 50.0 * x
    quality = _quality(parts, inputs, stale=bool(stale_inputs))
    agreement, strength = _agreement(parts.values()), _strength(score)
    confidence = None if agreement is None or strength is None else min(quality, agreement, strength)
    return Score(
        exchange=exchange,
        symbol=symbol,
        score=score,
        band=band_of(score),
        signal=next_signal(previous_signal, score, confidence),
        confidence=confidence,
        quality=quality,
        agreement=agreement,
        strength=strength,
        components=components,
        missing={name: part.reason for name, part in parts.items() if part.x is None and part.reason},
        as_of=_oldest(parts.values()),
        computed_at=now,
    )


def weighted_mean(
    values: Mapping[str, float | None], weights: Mapping[str, float]
) -> tuple[float | None, dict[str, float | None]]:
    """Weighted mean of the values that are there, and each one's share; the shares present sum to 1."""
    present = {name: value for name, value in values.items() if value is not None}
    total = sum(weights[name] for name in present)
    if total <= 0:
        return None, dict.fromkeys(values)
    shares = {name: weights[name] / total if name in present else None for name in values}
    mean = sum(value * weights[name] for name, value in present.items()) / total
    return bounded(mean), shares


def _measured(book: OrderBook | None, reasons: Mapping[str, str]) -> Measured:
    if book is not None:
        return orderbook.measure(book)
    reason = reasons.get(ORDER_BOOK, NO_ORDER_BOOK)
    return Measured.of({sub_score.name: reason for sub_score in orderbook.COMPONENT.sub_scores})


def _weights(parts: Mapping[str, ComponentPart]) -> dict[str, float]:
    return {name: part.weight for name, part in parts.items()}


def _with_share(part: ComponentPart, share: float | None) -> ComponentPart:
    return ComponentPart(part.x, part.weight, share, part.reason, part.sub_scores)


def _component(component: Component, weight: float, inputs: _Inputs) -> ComponentPart:
    if component.scope is None:
        return ComponentPart(None, weight, None, component.reason, ())
    read = _over_timeframes if component.scope == "timeframe" else _from_book
    found = [read(component, sub_score, inputs) for sub_score in component.sub_scores]
    x, shares = weighted_mean(
        {part.name: part.value for part in found}, {part.name: part.weight for part in found}
    )
    reason = None if x is not None else _sentence({part.name: part.reason or "" for part in found})
    sub_scores = tuple(
        SubScorePart(
            part.name,
            part.value,
            part.weight,
            shares[part.name],
            part.formula,
            part.reason,
            timeframes=part.timeframes,
            inputs=part.inputs,
        )
        for part in found
    )
    return ComponentPart(x, weight, None, reason, sub_scores)


def _over_timeframes(component: Component, sub_score: SubScore, inputs: _Inputs) -> SubScorePart:
    weights = inputs.timeframe_weights
    values: dict[str, float | None] = {}
    absent: dict[str, str] = {}
    for timeframe in weights:
        reason, value = inputs.why_no_view(timeframe), None
        view = inputs.views.get(timeframe)
        if view is not None and reason is None:
            value = view.value(component.name, sub_score.name)
            reason = None if value is not None else view.missing.get(sub_score.name, "not computed")
        values[timeframe] = value
        if reason is not None:
            absent[timeframe] = reason
    mean, shares = weighted_mean(values, weights)
    used = {name: inputs.views[name] for name, value in values.items() if value is not None}
    return SubScorePart(
        sub_score.name,
        mean,
        sub_score.weight,
        None,
        sub_score.formula,
        _sentence(absent),
        timeframes={
            name: TimeframePart(
                value,
                weights[name],
                shares[name],
                closed_at=view.closed_at if (view := used.get(name)) else None,
                bars=view.bars if view else None,
            )
            for name, value in values.items()
        },
        inputs=tuple(
            Input("candles", name, view.closed_at, view.bars)
            for name, view in used.items()
            if view is not None and view.closed_at is not None
        ),
    )


def _from_book(_component: Component, sub_score: SubScore, inputs: _Inputs) -> SubScorePart:
    value = inputs.measured_book.values.get(sub_score.name)
    used = inputs.book is not None and value is not None
    return SubScorePart(
        sub_score.name,
        value,
        sub_score.weight,
        None,
        sub_score.formula,
        inputs.measured_book.reasons.get(sub_score.name),
        timeframes=None,
        inputs=(Input(ORDER_BOOK, None, inputs.book.as_of, None),) if used and inputs.book else (),
    )


def _sentence(absent: Mapping[str, str]) -> str | None:
    """One line from reasons by name; a reason that all share is said once, with the names that share it."""
    if not absent:
        return None
    names_by_reason: dict[str, list[str]] = {}
    for name, reason in absent.items():
        names_by_reason.setdefault(reason, []).append(name)
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in names_by_reason.items())


def _quality(parts: Mapping[str, ComponentPart], inputs: _Inputs, *, stale: bool) -> float:
    """1, x0.7 for each missing input of a component that has weight, x0.9 when any input is stale.

    The inputs are each weighted timeframe, the order book, and one for each component that is not
    computed at all. A series that is not scored and a book that says nothing count as missing.
    """
    weighted = [component for component in COMPONENTS if parts[component.name].weight > 0]
    missing = sum(component.scope is None for component in weighted)
    missing += sum(
        component.scope == ORDER_BOOK and parts[component.name].x is None for component in weighted
    )
    if any(component.scope == "timeframe" for component in weighted):
        missing += sum(
            weight > 0 and inputs.why_no_view(timeframe) is not None
            for timeframe, weight in inputs.timeframe_weights.items()
        )
    return float(MISSING_FACTOR**missing * (STALE_FACTOR if stale else 1.0))


def _agreement(parts: Iterable[ComponentPart]) -> float | None:
    """max(0, 1 - 2 population standard deviation of the x's that carry weight); 1 for a single one."""
    xs = [part.x for part in parts if part.x is not None and part.weight > 0]
    if not xs:
        return None
    mean = sum(xs) / len(xs)
    deviation = math.sqrt(sum((x - mean) ** 2 for x in xs) / len(xs))
    return max(0.0, 1.0 - 2.0 * deviation)


def _strength(score: float | None) -> float | None:
    return None if score is None else min(1.0, abs(score - 50.0) / FULL_STRENGTH)


def _oldest(parts: Iterable[ComponentPart]) -> float | None:
    times = [each.as_of for part in parts for sub in part.sub_scores for each in sub.inputs]
    return min(times, default=None)
