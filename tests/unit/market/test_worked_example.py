"""The worked example of docs/confluence.md, computed again by plain loops and by the package."""

import math
from pathlib import Path

import pytest

from market.candles import aggregate
from market.confluence import confluence
from market.score_inputs import ScoreInputs
from market.timeframe_view import view_of
from tests.support.made_candles import book
from tests.support.rating_by_hand import ByHand
from tests.support.recorded_candles import MINUTES, recorded

DOCUMENT = Path(__file__).parents[3] / "docs" / "confluence.md"
COMPONENT_WEIGHTS = {
    "orderflow": 0.3, "orderbook": 0.2, "volume": 0.18,
    "price_structure": 0.15, "technical": 0.1, "sentiment": 0.07,
}  # fmt: skip
TIMEFRAME_WEIGHTS = {"1m": 0.5, "5m": 0.3, "30m": 0.15, "4h": 0.05}
STRUCTURE_WEIGHTS = {"range": 0.3, "trend": 0.3, "break": 0.2, "slope": 0.2}
STRUCTURE_NEEDS = {"range": 50, "trend": 200, "break": 5, "slope": 20}
BOOK = book([(179.59, 120), (179.58, 80)], [(179.61, 60), (179.62, 90), (180.60, 500)])


def example_candles():
    """The newest 500 candles of each timeframe at the end of the recording."""
    minutes = recorded(MINUTES)["SOL/USDT:USDT"]
    return {
        timeframe: (minutes if timeframe == "1m" else aggregate(minutes, timeframe)).tail(500)
        for timeframe in TIMEFRAME_WEIGHTS
    }


def by_hand(candles):
    """Rating and price structure of one timeframe from plain loops; what is too short is left out."""
    hand, at = ByHand(candles), len(candles) - 1
    votes = list(hand.votes(at).values())
    groups = [[vote for vote in group if vote is not None] for group in (votes[:15], votes[15:])]
    averages, oscillators = (sum(group) / len(group) for group in groups)
    found = {"averages": averages, "oscillators": oscillators, "rating": (averages + oscillators) / 2}
    for name, needed in STRUCTURE_NEEDS.items():
        if at + 1 >= needed:
            found[name] = hand.structure(at, name)
    return found


def mean(values, weights):
    """Weighted mean of the values that are there."""
    return sum(weights[name] * value for name, value in values.items()) / sum(
        weights[name] for name in values
    )


def over_timeframes(views, name):
    """One sub-score over the timeframes that have it."""
    return mean({each: view[name] for each, view in views.items() if name in view}, TIMEFRAME_WEIGHTS)


def example():
    """Every number of the example, and the lines of the document that show them."""
    views = {timeframe: by_hand(candles) for timeframe, candles in example_candles().items()}
    names = ("averages", "oscillators", "rating", *STRUCTURE_WEIGHTS)
    lines = [
        "| " + " | ".join([each, *(f"{view[name]:.4f}" if name in view else "-" for name in names)]) + " |"
        for each, view in views.items()
    ]
    merged = {name: over_timeframes(views, name) for name in ("rating", *STRUCTURE_WEIGHTS)}
    lines.append("| together | | | " + " | ".join(f"{value:.4f}" for value in merged.values()) + " |")
    bids, asks = 120 + 80 * math.exp(-0.1), 60 + 90 * math.exp(-0.1) + 500 * math.exp(-0.2)
    pressure = {
        "imbalance": math.tanh(2 * (bids - asks) / (bids + asks)),
        "depth": math.tanh(math.log(200 / 150)),
        "microprice": ((179.59 * 60 + 179.61 * 120) / 180 - 179.60) / 0.01,
    }
    lines += [f"| {name} | {value:.4f} |" for name, value in pressure.items()]
    xs = {
        "orderbook": mean(pressure, {"imbalance": 0.4, "depth": 0.4, "microprice": 0.2}),
        "price_structure": mean({name: merged[name] for name in STRUCTURE_WEIGHTS}, STRUCTURE_WEIGHTS),
        "technical": merged["rating"],
    }
    share = sum(COMPONENT_WEIGHTS[name] for name in xs)
    lines += [
        f"| {name} | {x:.4f} | {50 + 50 * x:.2f} | {COMPONENT_WEIGHTS[name] / share:.4f} |"
        for name, x in xs.items()
    ]
    score = 50 + 50 * mean(xs, COMPONENT_WEIGHTS)
    middle = sum(xs.values()) / 3
    deviation = math.sqrt(sum((x - middle) ** 2 for x in xs.values()) / 3)
    trust = {"quality": 0.7**3, "agreement": 1 - 2 * deviation, "strength": (score - 50) / 30}
    lines += [f"| {name} | {value:.4f} |" for name, value in trust.items()]
    lines.append(f"**Score {score:.2f}, confidence {min(trust.values()):.4f}**")
    return xs, score, trust, lines


def test_the_document_shows_what_the_formulas_give():
    """Every line of the worked example is found in the document, digit by digit."""
    *_, lines = example()
    text = DOCUMENT.read_text(encoding="utf-8")

    assert [line for line in lines if line not in text] == []


def test_the_package_gives_what_the_document_shows():
    """The score computed by the package is that of the hand-written formulas."""
    xs, score, trust, _ = example()
    found = confluence(
        exchange="recorded",
        symbol="SOL/USDT:USDT",
        inputs=ScoreInputs(
            {timeframe: view_of(candles) for timeframe, candles in example_candles().items()}, BOOK
        ),
        component_weights=COMPONENT_WEIGHTS,
        timeframe_weights=TIMEFRAME_WEIGHTS,
        now=BOOK.as_of,
    )

    assert found.score == pytest.approx(score)
    assert {name: found.components[name].x for name in xs} == pytest.approx(xs)
    assert {name: getattr(found, name) for name in trust} == pytest.approx(trust)
    assert found.confidence == pytest.approx(min(trust.values()))
