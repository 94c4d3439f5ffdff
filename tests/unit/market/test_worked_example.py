"""The worked example of docs/confluence.md, computed again by plain loops and by the package."""

import math
from functools import cache
from pathlib import Path

import pytest

from market.candles import aggregate
from market.confluence import confluence
from market.inputs import Breadth
from market.score_inputs import ScoreInputs
from market.timeframe_view import view_of
from tests.support import made_inputs
from tests.support.inputs_by_hand import VolumeByHand, flow_by_hand
from tests.support.made_candles import book
from tests.support.rating_by_hand import ByHand
from tests.support.recorded_candles import MINUTES, recorded, recorded_funding
from tests.support.scored import COMPONENT_WEIGHTS, TIMEFRAME_WEIGHTS

DOCUMENT = Path(__file__).parents[3] / "docs" / "confluence.md"
SYMBOL, END = "SOL/USDT:USDT", 1_747_958_400.0
WEIGHTS = {
    "orderflow": {"cvd": 0.4, "large": 0.3, "pace": 0.15, "open_interest": 0.15},
    "orderbook": {"imbalance": 0.4, "depth": 0.4, "microprice": 0.2},
    "volume": {"money_flow": 0.3, "delta": 0.3, "balance": 0.2, "vwap": 0.2},
    "price_structure": {"range": 0.3, "trend": 0.3, "break": 0.2, "slope": 0.2},
    "technical": {"rating": 1.0},
    "sentiment": {"funding": 0.4, "long_short": 0.3, "breadth": 0.3},
}
STRUCTURE_NEEDS = {"range": 50, "trend": 200, "break": 5, "slope": 20}
BOOK = book([(179.59, 120), (179.58, 80)], [(179.61, 60), (179.62, 90), (180.60, 500)])
# Seconds before the end, price, amount, side.
TRADES = [
    (880, 178.90, 20, 1), (790, 178.85, 35, -1), (700, 178.95, 10, -1), (640, 179.00, 60, -1),
    (520, 179.10, 5, -1), (455, 179.05, 40, -1), (400, 179.20, 30, 1), (330, 179.30, 25, 1),
    (240, 179.25, 15, -1), (160, 179.40, 80, 1), (70, 179.55, 12, -1), (5, 179.60, 18, 1),
]  # fmt: skip
OPEN_INTEREST = (12_000_000.0, 12_060_000.0)
LONG_SHORT = 1.5


def example_candles():
    """The newest 500 candles of each timeframe at the end of the recording."""
    minutes = recorded(MINUTES)[SYMBOL]
    return {
        timeframe: (minutes if timeframe == "1m" else aggregate(minutes, timeframe)).tail(500)
        for timeframe in TIMEFRAME_WEIGHTS
    }


def example_breadth():
    """How many of the recorded symbols closed above their open of 24 hours before."""
    series = recorded(MINUTES).values()
    return sum(bool(one.close[-1] > one.open[-1440]) for one in series), len(series)


def example_inputs():
    """What the package is given."""
    trades = made_inputs.trades(TRADES, now=END)
    before, now = OPEN_INTEREST
    return ScoreInputs(
        {timeframe: view_of(candles) for timeframe, candles in example_candles().items()},
        BOOK,
        trades=trades,
        open_interest=made_inputs.open_interest(before, now, every_s=3600, now=END),
        funding=made_inputs.funding(recorded_funding(SYMBOL, END)),
        long_short=made_inputs.long_short(LONG_SHORT),
        breadth=Breadth("recorded", *example_breadth(), END),
    )


def by_hand(candles):
    """Rating, price structure and volume of one timeframe from plain loops; what is too short is left out."""
    hand, at = ByHand(candles), len(candles) - 1
    votes = list(hand.votes(at).values())
    groups = [[vote for vote in group if vote is not None] for group in (votes[:15], votes[15:])]
    averages, oscillators = (sum(group) / len(group) for group in groups)
    found = {"averages": averages, "oscillators": oscillators, "rating": (averages + oscillators) / 2}
    for name, needed in STRUCTURE_NEEDS.items():
        if at + 1 >= needed:
            found[name] = hand.structure(at, name)
    return found | (VolumeByHand(candles).all(at) if at >= 20 else {})


def mean(values, weights):
    """Weighted mean of the values that are there."""
    return sum(weights[name] * value for name, value in values.items()) / sum(
        weights[name] for name in values
    )


def over_timeframes(views, names):
    """Sub-scores over the timeframes that have them."""
    return {
        name: mean({each: view[name] for each, view in views.items() if name in view}, TIMEFRAME_WEIGHTS)
        for name in names
    }


def once():
    """Sub-scores of the book, the trades, the open interest and the sentiment, by component."""
    bids, asks = 120 + 80 * math.exp(-0.1), 60 + 90 * math.exp(-0.1) + 500 * math.exp(-0.2)
    before, now = OPEN_INTEREST
    above, symbols = example_breadth()
    minutes = recorded(MINUTES)[SYMBOL].close
    return {
        "orderbook": {
            "imbalance": math.tanh(2 * (bids - asks) / (bids + asks)),
            "depth": math.tanh(math.log(200 / 150)),
            "microprice": ((179.59 * 60 + 179.61 * 120) / 180 - 179.60) / 0.01,
        },
        "orderflow": flow_by_hand(made_inputs.trades(TRADES, now=END))
        | {
            "open_interest": math.copysign(1, minutes[-1] - minutes[-61])
            * max(0, math.tanh((now / before - 1) / 0.01))
        },
        "sentiment": {
            "funding": -math.tanh(recorded_funding(SYMBOL, END) / 0.0005),
            "long_short": -math.tanh(math.log(LONG_SHORT)),
            "breadth": 2 * above / symbols - 1,
        },
    }


def table(names, views):
    """The rows of a table of sub-scores by timeframe."""
    return [
        "| " + " | ".join([each, *(f"{view[name]:.4f}" if name in view else "-" for name in names)]) + " |"
        for each, view in views.items()
    ]


@cache
def example():
    """Every number of the example, and the lines of the document that show them."""
    views = {timeframe: by_hand(candles) for timeframe, candles in example_candles().items()}
    lines = table(("averages", "oscillators", "rating", *WEIGHTS["price_structure"]), views)
    lines += table(WEIGHTS["volume"], views)
    found = once() | {
        name: over_timeframes(views, WEIGHTS[name]) for name in ("volume", "price_structure", "technical")
    }
    together = (found["technical"] | found["price_structure"]).values()
    lines.append("| together | | | " + " | ".join(f"{value:.4f}" for value in together) + " |")
    lines.append("| together | " + " | ".join(f"{value:.4f}" for value in found["volume"].values()) + " |")
    for name in ("orderflow", "orderbook", "sentiment"):
        lines += [f"| {each} | {value:.4f} |" for each, value in found[name].items()]
    xs = {name: mean(found[name], weights) for name, weights in WEIGHTS.items()}
    lines += [
        f"| {name} | {x:.4f} | {50 + 50 * x:.2f} | {COMPONENT_WEIGHTS[name]:.2f} |" for name, x in xs.items()
    ]
    score = 50 + 50 * mean(xs, COMPONENT_WEIGHTS)
    middle = sum(xs.values()) / 6
    deviation = math.sqrt(sum((x - middle) ** 2 for x in xs.values()) / 6)
    trust = {"quality": 1.0, "agreement": 1 - 2 * deviation, "strength": abs(score - 50) / 30}
    lines += [f"| {name} | {value:.4f} |" for name, value in trust.items()]
    lines.append(f"**Score {score:.2f}, confidence {min(trust.values()):.4f}**")
    return found, xs, score, trust, lines


def test_the_document_shows_what_the_formulas_give():
    """Every line of the worked example is found in the document, digit by digit."""
    *_, lines = example()
    text = DOCUMENT.read_text(encoding="utf-8")

    assert [line for line in lines if line not in text] == []
    above, symbols = example_breadth()
    assert f"{above} of the {symbols} recorded symbols" in text
    for seconds, price, amount, side in TRADES:
        assert f"| {seconds} | {price:.2f} | {amount} | {'buy' if side > 0 else 'sell'} |" in text


def test_the_package_gives_what_the_document_shows():
    """The score computed by the package is that of the hand-written formulas, sub-score by sub-score."""
    sub_scores, xs, score, trust, _ = example()
    found = confluence(
        exchange="recorded",
        symbol=SYMBOL,
        inputs=example_inputs(),
        component_weights=COMPONENT_WEIGHTS,
        timeframe_weights=TIMEFRAME_WEIGHTS,
        now=END,
    )

    for name, part in found.components.items():
        assert {each.name: each.value for each in part.sub_scores} == pytest.approx(sub_scores[name]), name
    assert {name: part.x for name, part in found.components.items()} == pytest.approx(xs)
    assert found.score == pytest.approx(score)
    assert {name: getattr(found, name) for name in trust} == pytest.approx(trust)
    assert found.confidence == pytest.approx(min(trust.values()))
