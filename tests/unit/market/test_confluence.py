import json
import math
from dataclasses import replace

import pytest

from market.score_inputs import ScoreInputs
from market.shares import weighted_mean
from market.timeframe_view import view_of
from tests.support.made_candles import book, made, walk
from tests.support.made_inputs import NOW
from tests.support.scored import (
    BOOK,
    COMPONENT_WEIGHTS,
    INPUTS,
    TIMEFRAME_WEIGHTS,
    VIEWS,
    scored,
    sub_score,
)


def test_a_score_can_be_recomputed_by_hand():
    """From the inputs up: mean over timeframes, over sub-scores, over components, 50 + 50 x.

    Nine trades of a hundred bought in the newer half, three sold at once in the older one.
    """
    score = scored()

    def over_timeframes(component, weights):
        return sum(
            weight * share * VIEWS[each].value(component, name)
            for name, weight in weights.items()
            for each, share in TIMEFRAME_WEIGHTS.items()
        )

    move = math.copysign(1, VIEWS["1m"].change_1h)
    xs = {
        "orderflow": 0.7 * (9 - 3) / 12 + 0.15 * math.tanh(4) + 0.15 * move * math.tanh(1),
        "orderbook": 0.4 * math.tanh(2 * 0.5) + 0.4 * math.tanh(math.log(3)) + 0.2 * 0.5,
        "volume": over_timeframes("volume", {"money_flow": 0.3, "delta": 0.3, "balance": 0.2, "vwap": 0.2}),
        "price_structure": over_timeframes(
            "price_structure", {"range": 0.3, "trend": 0.3, "break": 0.2, "slope": 0.2}
        ),
        "technical": over_timeframes("technical", {"rating": 1.0}),
        "sentiment": -0.4 * math.tanh(0.2) - 0.3 * 0.6 + 0.3 * 0.5,
    }
    x = sum(COMPONENT_WEIGHTS[name] * value for name, value in xs.items())
    mean = sum(xs.values()) / 6
    deviation = math.sqrt(sum((each - mean) ** 2 for each in xs.values()) / 6)
    assert {name: part.x for name, part in score.components.items()} == pytest.approx(xs)
    assert score.score == pytest.approx(50 + 50 * x)
    assert score.quality == 1
    assert score.agreement == pytest.approx(max(0, 1 - 2 * deviation))
    assert score.strength == pytest.approx(min(1, abs(50 * x) / 30))
    assert score.confidence == min(score.quality, score.agreement, score.strength)
    assert score.missing == {}


def test_components_without_inputs_are_named_and_left_out():
    """Their weight goes to the others; none of them is replaced by 50."""
    reasons = {"trades": "kraken was not asked yet", "open_interest": "kraken has no open interest"}
    score = scored(ScoreInputs(VIEWS, BOOK), reasons=reasons)

    assert score.missing == {
        "orderflow": "cvd, large, pace: kraken was not asked yet; open_interest: kraken has no open interest",
        "sentiment": "funding: no funding rate yet; long_short: no long/short ratio yet; "
        "breadth: no breadth yet",
    }
    assert score.components["sentiment"].score is None
    assert score.components["sentiment"].share is None
    assert score.components["orderbook"].share == pytest.approx(0.2 / 0.63)


def test_a_missing_sub_score_hands_its_weight_to_the_others():
    """A spot market has neither funding nor accounts: its sentiment is the breadth alone."""
    score = scored(replace(INPUTS, funding=None, long_short=None))

    assert score.components["sentiment"].x == pytest.approx(0.5)
    assert {part.name: part.share for part in score.components["sentiment"].sub_scores} == {
        "funding": None,
        "long_short": None,
        "breadth": 1,
    }
    assert sub_score(score, "sentiment", "funding").reason == "no funding rate yet"
    assert "sentiment" not in score.missing


def test_a_missing_timeframe_hands_its_weight_to_the_others():
    """Half the weight is gone with 1m; the shares of the rest add up again, and the reason is there."""
    score = scored(replace(INPUTS, views=VIEWS | {"1m": None}), reasons={"candles 1m": "not received yet"})
    rating = sub_score(score, "technical", "rating")

    expected = (0.3 * VIEWS["5m"].technical.rating + 0.15 * VIEWS["30m"].technical.rating) / 0.5
    assert rating.value == pytest.approx(expected + 0.05 * VIEWS["4h"].technical.rating / 0.5)
    assert {name: part.share for name, part in rating.timeframes.items()} == pytest.approx(
        {"1m": None, "5m": 0.6, "30m": 0.3, "4h": 0.1}
    )
    assert rating.reason == "1m: not received yet"
    assert sub_score(score, "volume", "delta").reason == "1m: not received yet"


def test_a_short_timeframe_is_left_out_of_the_sub_scores_that_it_lacks():
    """Sixty bars have no trend, and say so; the input itself is there."""
    score = scored(replace(INPUTS, views=VIEWS | {"4h": view_of(walk(60, timeframe="4h"))}))

    assert sub_score(score, "price_structure", "trend").timeframes["4h"].value is None
    assert sub_score(score, "price_structure", "trend").reason == "4h: needs 200 bars, has 60"
    assert sub_score(score, "price_structure", "range").timeframes["4h"].bars == 60
    assert score.quality == 1


def test_a_series_that_is_not_scored_says_why_in_every_sub_score():
    """Ten percent filled bars are no input."""
    candles = walk(500)
    columns = (getattr(candles, name) for name in ("open", "high", "low", "close", "volume"))
    gapped = view_of(made(*columns, filled=[True] * 50 + [False] * 450))
    score = scored(replace(INPUTS, views=VIEWS | {"1m": gapped}))

    for component, name in (("technical", "rating"), ("volume", "vwap"), ("price_structure", "break")):
        assert sub_score(score, component, name).reason.startswith("1m: 10.0% of the bars were filled")


def test_without_a_book_the_other_components_remain():
    """Absent or empty, the book is named with its reason."""
    absent = scored(replace(INPUTS, book=None), reasons={"order_book": "rate limited"})
    empty = scored(replace(INPUTS, book=book([], [])))

    assert absent.missing["orderbook"] == "imbalance, depth, microprice: rate limited"
    assert empty.missing["orderbook"].endswith("one side of the book is empty")
    assert absent.score == empty.score
    assert scored(replace(INPUTS, book=None)).missing["orderbook"].endswith("no order book yet")


def test_with_nothing_there_is_no_score_but_every_reason():
    """None is not 50; confidence and signal are None with it, and quality says how little there is."""
    score = scored(ScoreInputs({}))

    assert (score.score, score.band, score.signal, score.confidence) == (None, None, None, None)
    assert (score.agreement, score.strength, score.as_of) == (None, None, None)
    assert set(score.missing) == set(COMPONENT_WEIGHTS)
    assert score.missing["technical"] == "rating: 1m, 5m, 30m, 4h: no candles yet"
    assert score.quality == pytest.approx(0.7**10)


def test_what_carries_no_weight_moves_nothing():
    """Weights are settings: a component or timeframe at 0 is out of the score, but still shown."""
    alone = dict.fromkeys(COMPONENT_WEIGHTS, 0.0) | {"technical": 1.0}
    score = scored(
        replace(INPUTS, views={"1m": VIEWS["1m"]}),
        component_weights=alone,
        timeframe_weights={"1m": 1.0, "4h": 0.0},
    )

    assert score.score == pytest.approx(50 + 50 * VIEWS["1m"].technical.rating)
    assert score.agreement == 1
    assert score.components["orderbook"].share == 0
    assert score.components["orderbook"].score is not None


def test_a_weighted_component_that_cannot_be_computed_leaves_no_score():
    """All the weight on what is missing: no score rather than one from what has none."""
    score = scored(ScoreInputs(VIEWS, BOOK), component_weights={"sentiment": 1.0})

    assert score.score is None
    assert "no breadth yet" in score.missing["sentiment"]


def test_the_score_is_as_old_as_its_oldest_input():
    """The four hour candle closed first; without candles it is the oldest of the others."""
    aged = {name: replace(view, closed_at=NOW - 7000) for name, view in VIEWS.items() if name == "4h"}

    assert scored(replace(INPUTS, views=VIEWS | aged)).as_of == NOW - 7000
    assert scored(ScoreInputs({}, BOOK, breadth=INPUTS.breadth)).as_of == BOOK.as_of


def test_the_signal_remembers_the_last_one():
    """With full weight on the book the score is 67.5: long only for those who were."""
    held = book([(99.9, 1.43)], [(100.1, 1.0)])
    previously = {
        signal: scored(ScoreInputs({}, held), component_weights={"orderbook": 1.0}, previous_signal=signal)
        for signal in (None, "long")
    }

    assert 65 < previously[None].score < 70
    assert (previously[None].signal, previously["long"].signal) == ("neutral", "long")
    assert previously[None].band == "bullish"


def test_the_clock_enters_no_number():
    """A score later computed from the same inputs differs in that time alone."""
    early, late = scored(now=NOW), scored(now=NOW + 1e6)

    assert replace(late, computed_at=NOW) == early


def test_shares_are_those_of_the_values_that_are_there():
    """The weighted mean by hand; without weight or value there is none."""
    mean, shares = weighted_mean([1.0, None, -0.5], (1.0, 5.0, 3.0))

    assert mean == pytest.approx(-0.125)
    assert shares == (0.25, None, 0.75)
    assert weighted_mean([1.0], (0.0,)) == (None, (None,))


def test_all_weights_of_sub_scores_add_up():
    """One for every component, so that none counts for more than its configured weight."""
    for name, part in scored().components.items():
        assert sum(each.weight for each in part.sub_scores) == pytest.approx(1), name
        assert json.dumps(part.to_plain(), allow_nan=False)
