from dataclasses import replace

import pytest

from market.components.registry import COMPONENTS
from market.score_inputs import ScoreInputs
from market.timeframe_view import view_of
from tests.support import made_inputs
from tests.support.explained import assert_facts
from tests.support.made_candles import book, made, rising, walk
from tests.support.made_inputs import NOW
from tests.support.scored import COMPONENT_WEIGHTS, INPUTS, TIMEFRAME_WEIGHTS, VIEWS, scored

ABSENT = {
    "order_book": {"book": None},
    "trades": {"trades": None},
    "open_interest": {"open_interest": None},
    "funding": {"funding": None},
    "long_short": {"long_short": None},
    "breadth": {"breadth": None},
    "candles 5m": {"views": VIEWS | {"5m": None}},
}


def gapped(candles):
    """The view of the candles with a tenth of the bars filled."""
    columns = (getattr(candles, name) for name in ("open", "high", "low", "close", "volume"))
    return view_of(made(*columns, filled=[True] * 50 + [False] * 450))


def missing(score):
    """Names and reasons of the inputs that nothing could use."""
    return {state.name: state.reason for state in score.inputs if not state.used}


def test_every_input_is_there_once():
    """Each timeframe with a weight, and each of the others: ten with the default weights."""
    assert [state.name for state in scored().inputs] == [
        "candles 1m", "candles 5m", "candles 30m", "candles 4h",
        "order_book", "trades", "open_interest", "funding", "long_short", "breadth",
    ]  # fmt: skip
    assert missing(scored()) == {}
    assert scored().quality == 1


@pytest.mark.parametrize("name", ABSENT)
def test_each_missing_input_costs_three_tenths(name):
    """Any of them, and its own reason is with it."""
    score = scored(replace(INPUTS, **ABSENT[name]), reasons={name: "the exchange has none"})

    assert score.quality == pytest.approx(0.7)
    assert missing(score) == {name: "the exchange has none"}


def test_two_missing_inputs_cost_more_than_one():
    """0.7 x 0.7."""
    score = scored(replace(INPUTS, funding=None, long_short=None))

    assert score.quality == pytest.approx(0.49)
    assert missing(score) == {"funding": "no funding rate yet", "long_short": "no long/short ratio yet"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"book": book([], [])}, "one side of the book is empty"),
        ({"trades": made_inputs.trades([])}, "no trades in 900 s"),
        ({"funding": made_inputs.funding(1e-4, interval_h=None)}, "the exchange does not say for how many"),
        ({"open_interest": made_inputs.open_interest(1.0)}, "no open interest of an hour before the newest"),
        ({"breadth": made_inputs.breadth(0, 0)}, "no symbol of the exchange has a 24 h open"),
        ({"views": VIEWS | {"1m": gapped(walk(500))}}, "10.0% of the bars were filled"),
        ({"views": VIEWS | {"1m": view_of(walk(2))}}, "2 bars say nothing"),
    ],
)
def test_an_input_that_says_nothing_is_as_good_as_missing(changes, reason):
    """It arrived, and no sub-score could use it."""
    score = scored(replace(INPUTS, **changes))

    assert score.quality == pytest.approx(0.7)
    assert next(iter(missing(score).values())).startswith(reason)


def test_an_input_that_a_sub_score_could_use_is_not_missing():
    """Few trades have no largest tenth, sixty candles no EMA200."""
    few = made_inputs.trades([(800, 100, 1, -1), (400, 100, 2, 1)])

    assert scored(replace(INPUTS, trades=few)).quality == 1
    assert scored(replace(INPUTS, views=VIEWS | {"4h": view_of(walk(60, timeframe="4h"))})).quality == 1


def test_stale_inputs_cost_quality_once():
    """One or three stale inputs: x0.9; what is missing or unknown is not stale as well."""
    assert scored(stale_inputs=["candles 1m"]).quality == pytest.approx(0.9)
    assert scored(stale_inputs=["candles 1m", "order_book", "breadth"]).quality == pytest.approx(0.9)
    assert scored(replace(INPUTS, book=None), stale_inputs=["order_book"]).quality == pytest.approx(0.7)
    assert [state.name for state in scored(stale_inputs=["trades"]).inputs if state.stale] == ["trades"]


def test_what_carries_no_weight_costs_no_quality():
    """Neither a missing component nor a missing timeframe that nobody counts, nor a stale one."""
    without = dict.fromkeys(COMPONENT_WEIGHTS, 0.0)
    technical, frames = without | {"technical": 1.0}, {"1m": 1.0, "4h": 0.0}
    candles = ScoreInputs({"1m": VIEWS["1m"]})

    assert scored(candles, component_weights=technical, timeframe_weights=frames).quality == 1
    assert scored(ScoreInputs({}, INPUTS.book), component_weights={"orderbook": 1.0}).quality == 1
    assert scored(component_weights=technical, stale_inputs=["trades"]).quality == 1


def test_open_interest_without_candles_is_what_is_missing():
    """Where only the order flow counts, candles are no input of their own."""
    score = scored(replace(INPUTS, views={}), component_weights={"orderflow": 1.0})

    assert missing(score) == {"open_interest": "no closed candle of an hour ago"}
    assert score.quality == pytest.approx(0.7)


def test_components_that_contradict_each_other_lower_the_confidence():
    """A rise in all candles against a book full of sellers."""
    up = {timeframe: view_of(rising(500, timeframe=timeframe)) for timeframe in TIMEFRAME_WEIGHTS}
    together = scored(ScoreInputs(up, book([(99.9, 1e6)], [(100.1, 1.0)])))
    against = scored(ScoreInputs(up, book([(99.9, 1.0)], [(100.1, 1e6)])))

    assert together.agreement > 0.5
    assert against.agreement < 0.1
    assert against.confidence == against.agreement


def test_a_single_component_agrees_with_itself():
    """Only the book: no spread between components."""
    score = scored(ScoreInputs({}, INPUTS.book))

    assert score.agreement == 1
    assert score.score == score.components["orderbook"].score


@pytest.mark.parametrize(("amount", "strength"), [(1.0, 0.0), (1.5, None), (50.0, 1.0)])
def test_strength_grows_with_the_distance_from_fifty(amount, strength):
    """Nought at 50, one from 30 points on."""
    score = scored(ScoreInputs({}, book([(99.9, amount)], [(100.1, 1.0)])))

    expected = abs(score.score - 50) / 30 if strength is None else strength
    assert score.strength == pytest.approx(expected)
    assert 0 <= score.strength <= 1


def test_the_stored_form_says_where_every_number_came_from():
    """Exactly the keys that the readers of the cache know, at every level."""
    plain = scored(reasons={}).to_plain()
    rating = plain["components"]["technical"]["sub_scores"][0]

    assert set(plain) == {
        "exchange", "symbol", "score", "band", "signal", "confidence", "quality", "agreement", "strength",
        "components", "missing", "inputs", "as_of", "computed_at",
    }  # fmt: skip
    assert set(plain["components"]["technical"]) == {"score", "x", "weight", "share", "reason", "sub_scores"}
    assert set(rating) == {
        "name", "value", "weight", "share", "formula", "reason", "timeframes", "inputs", "facts",
    }  # fmt: skip
    assert rating["formula"] == "TechnicalRating v3"
    assert set(rating["timeframes"]["1m"]) == {"value", "weight", "share", "closed_at", "bars"}
    assert rating["inputs"][0] == {"kind": "candles", "timeframe": "1m", "as_of": NOW - 20, "bars": 500}
    assert rating["facts"] == {}
    assert plain["inputs"][4] == {
        "name": "order_book", "as_of": NOW - 2, "used": True, "stale": False, "reason": None,
    }  # fmt: skip
    assert scored(ScoreInputs(VIEWS)).to_plain()["missing"][0]["name"] == "orderflow"


def test_each_sub_score_names_its_formula_its_inputs_and_their_numbers():
    """With these a reader recomputes the value; open interest came with candles for the price."""
    parts = {
        part["name"]: part
        for component in scored().to_plain()["components"].values()
        for part in component["sub_scores"]
    }
    once = {
        sub.name: list(sub.inputs) for each in COMPONENTS if each.scope == "symbol" for sub in each.sub_scores
    }

    for name, kinds in once.items():
        listed = [each["kind"] for each in parts[name]["inputs"]]
        assert listed == (["open_interest", "candles"] if name == "open_interest" else kinds), name
        assert parts[name]["timeframes"] is None
        assert parts[name]["facts"], name
    assert parts["open_interest"]["inputs"][1]["timeframe"] == "1m"
    assert all(part["formula"] for part in parts.values())


@pytest.mark.parametrize("component", ["orderflow", "orderbook", "sentiment"])
def test_each_value_follows_from_the_numbers_that_are_listed_with_it(component):
    """A pocket calculator is enough for what is not computed from candles."""
    said = scored().to_plain()["components"][component]

    assert assert_facts(said) == len(said["sub_scores"])
