import json
import math
from dataclasses import replace
from typing import Any

import pytest

from market.confluence import confluence, weighted_mean
from market.timeframe_view import view_of
from tests.support.made_candles import book, made, rising, walk

NOW = 1_747_800_000.0
COMPONENT_WEIGHTS = {
    "orderflow": 0.3, "orderbook": 0.2, "volume": 0.18,
    "price_structure": 0.15, "technical": 0.1, "sentiment": 0.07,
}  # fmt: skip
TIMEFRAME_WEIGHTS = {"1m": 0.5, "5m": 0.3, "30m": 0.15, "4h": 0.05}
BOOK = book([(99.9, 3.0)], [(100.1, 1.0)], as_of=NOW - 2)
VIEWS = {
    timeframe: view_of(walk(500, seed=seed, timeframe=timeframe))
    for seed, timeframe in enumerate(TIMEFRAME_WEIGHTS)
}


def scored(**changes: Any):
    """A score of made up inputs, but for the changes."""
    arguments = {
        "exchange": "simulated",
        "symbol": "BTC/USDT:USDT",
        "views": VIEWS,
        "book": BOOK,
        "component_weights": COMPONENT_WEIGHTS,
        "timeframe_weights": TIMEFRAME_WEIGHTS,
        "now": NOW,
    }
    return confluence(**(arguments | changes))


def sub_score(score, component, name):
    """One sub-score by name."""
    return next(part for part in score.components[component].sub_scores if part.name == name)


def test_a_score_can_be_recomputed_by_hand():
    """From the views up: mean over timeframes, over sub-scores, over components, 50 + 50 x."""
    score = scored()

    def over_timeframes(component, name):
        return sum(weight * VIEWS[each].value(component, name) for each, weight in TIMEFRAME_WEIGHTS.items())

    technical = over_timeframes("technical", "rating")
    structure = sum(
        weight * over_timeframes("price_structure", name)
        for name, weight in {"range": 0.3, "trend": 0.3, "break": 0.2, "slope": 0.2}.items()
    )
    orderbook = 0.4 * math.tanh(2 * 0.5) + 0.4 * math.tanh(math.log(3)) + 0.2 * 0.5
    x = (0.1 * technical + 0.15 * structure + 0.2 * orderbook) / 0.45
    mean = (technical + structure + orderbook) / 3
    deviation = math.sqrt(sum((each - mean) ** 2 for each in (technical, structure, orderbook)) / 3)
    assert score.components["technical"].x == pytest.approx(technical)
    assert score.components["price_structure"].x == pytest.approx(structure)
    assert score.components["orderbook"].x == pytest.approx(orderbook)
    assert score.score == pytest.approx(50 + 50 * x)
    assert score.quality == pytest.approx(0.7**3)
    assert score.agreement == pytest.approx(max(0, 1 - 2 * deviation))
    assert score.strength == pytest.approx(min(1, abs(50 * x) / 30))
    assert score.confidence == min(score.quality, score.agreement, score.strength)


def test_components_that_this_version_lacks_are_named_and_left_out():
    """Their weight goes to the others; none of them is replaced by 50."""
    score = scored()

    assert score.missing == dict.fromkeys(
        ("orderflow", "volume", "sentiment"), "not computed by this version"
    )
    assert score.components["volume"].score is None
    assert score.components["volume"].share is None
    assert score.components["orderbook"].share == pytest.approx(0.2 / 0.45)


def test_a_missing_timeframe_hands_its_weight_to_the_others():
    """Half the weight is gone with 1m; the shares of the rest add up again, and the reason is there."""
    score = scored(views=VIEWS | {"1m": None}, reasons={"candles 1m": "not received yet"})
    rating = sub_score(score, "technical", "rating")

    expected = (0.3 * VIEWS["5m"].technical.rating + 0.15 * VIEWS["30m"].technical.rating) / 0.5
    assert rating.value == pytest.approx(expected + 0.05 * VIEWS["4h"].technical.rating / 0.5)
    assert {name: part.share for name, part in rating.timeframes.items()} == pytest.approx(
        {"1m": None, "5m": 0.6, "30m": 0.3, "4h": 0.1}
    )
    assert rating.reason == "1m: not received yet"
    assert score.quality == pytest.approx(0.7**4)


def test_a_short_timeframe_is_left_out_of_the_sub_scores_that_it_lacks():
    """Sixty bars have no trend, and say so; the input itself is there."""
    short = view_of(walk(60, timeframe="4h"))
    score = scored(views=VIEWS | {"4h": short})

    assert sub_score(score, "price_structure", "trend").timeframes["4h"].value is None
    assert sub_score(score, "price_structure", "trend").reason == "4h: needs 200 bars, has 60"
    assert sub_score(score, "price_structure", "range").timeframes["4h"].bars == 60
    assert score.quality == pytest.approx(0.7**3)


def test_a_series_that_is_not_scored_counts_as_missing():
    """Ten percent filled bars are no input."""
    candles = walk(500)
    columns = (getattr(candles, name) for name in ("open", "high", "low", "close", "volume"))
    gapped = view_of(made(*columns, filled=[True] * 50 + [False] * 450))
    score = scored(views=VIEWS | {"1m": gapped})

    assert score.quality == pytest.approx(0.7**4)
    assert sub_score(score, "technical", "rating").reason.startswith("1m: 10.0% of the bars were filled")


def test_without_a_book_the_other_components_remain():
    """Absent or empty, the book is named with its reason and costs quality."""
    absent = scored(book=None, reasons={"order_book": "rate limited"})
    empty = scored(book=book([], []))

    assert absent.missing["orderbook"] == "imbalance, depth, microprice: rate limited"
    assert empty.missing["orderbook"].endswith("one side of the book is empty")
    assert absent.score == empty.score
    assert absent.quality == empty.quality == pytest.approx(0.7**4)
    assert scored(book=None).missing["orderbook"].endswith("no order book yet")


def test_with_nothing_there_is_no_score_but_every_reason():
    """None is not 50; confidence and signal are None with it, and quality says how little there is."""
    score = scored(views={}, book=None)

    assert (score.score, score.band, score.signal, score.confidence) == (None, None, None, None)
    assert (score.agreement, score.strength, score.as_of) == (None, None, None)
    assert set(score.missing) == set(COMPONENT_WEIGHTS)
    assert score.missing["technical"] == "rating: 1m, 5m, 30m, 4h: no candles yet"
    assert score.quality == pytest.approx(0.7**8)


def test_a_single_component_agrees_with_itself():
    """Only the book: no spread between components."""
    score = scored(views={})

    assert score.agreement == 1
    assert score.score == score.components["orderbook"].score


def test_components_that_contradict_each_other_lower_the_confidence():
    """A rise in all candles against a book full of sellers."""
    up = {timeframe: view_of(rising(500, timeframe=timeframe)) for timeframe in TIMEFRAME_WEIGHTS}
    together = scored(views=up, book=book([(99.9, 1e6)], [(100.1, 1.0)]))
    against = scored(views=up, book=book([(99.9, 1.0)], [(100.1, 1e6)]))

    assert together.agreement > 0.5
    assert against.agreement == 0
    assert against.confidence == 0


def test_stale_inputs_cost_quality_once():
    """One or three stale inputs: x0.9."""
    assert scored(stale_inputs=["candles 1m"]).quality == pytest.approx(0.7**3 * 0.9)
    assert scored(stale_inputs=["candles 1m", "order_book"]).quality == pytest.approx(0.7**3 * 0.9)


def test_what_carries_no_weight_costs_no_quality_and_moves_nothing():
    """Weights are settings: a component or timeframe at 0 is out of the score, but still shown."""
    alone = dict.fromkeys(COMPONENT_WEIGHTS, 0.0) | {"technical": 1.0}
    score = scored(
        component_weights=alone, timeframe_weights={"1m": 1.0, "4h": 0.0}, views={"1m": VIEWS["1m"]}
    )

    assert score.score == pytest.approx(50 + 50 * VIEWS["1m"].technical.rating)
    assert score.quality == 1
    assert score.agreement == 1
    assert score.components["orderbook"].share == 0
    assert score.components["orderbook"].score is not None


def test_a_weighted_component_that_cannot_be_computed_leaves_no_score():
    """All the weight on what is missing: no score rather than one from what has none."""
    score = scored(component_weights={"volume": 1.0})

    assert score.score is None
    assert score.missing["volume"] == "not computed by this version"


def test_candles_without_weight_are_not_an_input():
    """With only the book weighted, missing candles are no loss of quality."""
    assert scored(component_weights={"orderbook": 1.0}, views={}).quality == 1


def test_the_score_is_as_old_as_its_oldest_input():
    """The four hour candle closed first."""
    views = {
        timeframe: replace(view, closed_at=NOW - age)
        for (timeframe, view), age in zip(VIEWS.items(), (30, 100, 900, 7000), strict=True)
    }

    assert scored(views=views).as_of == NOW - 7000
    assert scored(views={}).as_of == BOOK.as_of


def test_the_signal_remembers_the_last_one():
    """With full weight on the book the score is 67.5: long only for those who were."""
    weights = {"orderbook": 1.0}
    held = book([(99.9, 1.43)], [(100.1, 1.0)])
    previously = {
        signal: scored(component_weights=weights, book=held, previous_signal=signal)
        for signal in (None, "long")
    }

    assert 65 < previously[None].score < 70
    assert (previously[None].signal, previously["long"].signal) == ("neutral", "long")
    assert previously[None].band == "bullish"


def test_the_stored_form_is_the_agreed_one():
    """Exactly the keys that the readers of the cache know, at every level, and plain JSON."""
    plain = json.loads(json.dumps(scored(reasons={}).to_plain(), allow_nan=False))
    technical = plain["components"]["technical"]
    rating = technical["sub_scores"][0]

    assert set(plain) == {
        "exchange", "symbol", "score", "band", "signal", "confidence", "quality", "agreement", "strength",
        "components", "missing", "as_of", "computed_at",
    }  # fmt: skip
    assert set(technical) == {"score", "x", "weight", "share", "reason", "sub_scores"}
    assert set(rating) == {"name", "value", "weight", "share", "formula", "reason", "timeframes", "inputs"}
    assert rating["formula"] == "TechnicalRating v3"
    assert set(rating["timeframes"]["1m"]) == {"value", "weight", "share", "closed_at", "bars"}
    assert rating["inputs"][0] == {
        "kind": "candles", "timeframe": "1m", "as_of": VIEWS["1m"].closed_at, "bars": 500,
    }  # fmt: skip
    assert plain["components"]["orderbook"]["sub_scores"][0]["timeframes"] is None
    assert plain["components"]["orderbook"]["sub_scores"][0]["inputs"] == [
        {"kind": "order_book", "timeframe": None, "as_of": BOOK.as_of, "bars": None}
    ]
    assert plain["missing"][0] == {"name": "orderflow", "reason": "not computed by this version"}
    assert plain["computed_at"] == NOW


def test_shares_are_those_of_the_values_that_are_there():
    """The weighted mean by hand; without weight or value there is none."""
    mean, shares = weighted_mean({"a": 1.0, "b": None, "c": -0.5}, {"a": 1.0, "b": 5.0, "c": 3.0})

    assert mean == pytest.approx(-0.125)
    assert shares == {"a": 0.25, "b": None, "c": 0.75}
    assert weighted_mean({"a": 1.0}, {"a": 0.0}) == (None, {"a": None})
