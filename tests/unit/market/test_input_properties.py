"""What must hold for any trades, open interest, funding, accounts and breadth, and for all six components."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.inputs import Breadth, Funding, LongShort, OpenInterest, Trades
from market.score_inputs import ScoreInputs
from market.timeframe_view import view_of
from tests.support import made_inputs
from tests.support.made_candles import book, mirrored, mirrored_book, scaled, walk
from tests.support.made_inputs import NOW, WHERE, mirrored_trades, trades
from tests.support.scored import TIMEFRAME_WEIGHTS, scored

quick = settings(max_examples=60, deadline=None)
MIRRORED = ("orderflow", "orderbook", "volume", "price_structure", "technical")


@st.composite
def tick_trades(draw):
    """Trades on a grid of ticks and lots: many of equal size, several at one moment, some sides alone."""
    count = draw(st.integers(0, 80))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    ago = np.sort(random.integers(0, draw(st.sampled_from((10, 900, 2000))), count))[::-1]
    price = 10_000 + random.integers(-40, 41, count)
    amount = random.integers(1, draw(st.sampled_from((2, 9, 400))), count) / 8
    side = np.where(random.uniform(size=count) < draw(st.sampled_from((0.0, 0.3, 0.5, 1.0))), 1, -1)
    rows = np.column_stack((ago, price, amount, side))
    return trades(rows, since=NOW - draw(st.sampled_from((100, 300, 700, 900, 2000))))


@st.composite
def interests(draw):
    """An hour and a little more of open interest."""
    steps = draw(st.lists(st.integers(-30, 30), min_size=1, max_size=16))
    amounts = (1000.0 + np.cumsum(steps)).tolist()
    return OpenInterest(
        *WHERE, tuple(NOW - 290.0 * at for at in range(len(steps)))[::-1], tuple(amounts), NOW
    )


FUNDING = st.builds(made_inputs.funding, st.floats(-0.01, 0.01), interval_h=st.sampled_from((None, 1.0, 8.0)))
ACCOUNTS = st.builds(made_inputs.long_short, st.floats(0.01, 100.0))
BREADTH = st.builds(made_inputs.breadth, st.integers(0, 90), st.just(90))
CANDLES = {(bars, seed): walk(bars, seed=seed) for bars in (1, 30, 80, 260) for seed in range(4)}


@st.composite
def everything(draw):
    """Inputs of every kind, each of them there or not."""
    candles = CANDLES[draw(st.sampled_from(sorted(CANDLES)))]
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    bids, asks = 9_000 - np.cumsum(random.integers(1, 9, 30)), 9_001 + np.cumsum(random.integers(1, 9, 30))
    sides = [np.column_stack((side, random.integers(0, 50, 30) / 8)) for side in (bids, asks)]
    inputs = ScoreInputs(
        dict.fromkeys(TIMEFRAME_WEIGHTS, view_of(candles)),
        book(*sides) if draw(st.booleans()) else None,
        trades=draw(st.none() | tick_trades()),
        open_interest=draw(st.none() | interests()),
        funding=draw(st.none() | FUNDING),
        long_short=draw(st.none() | ACCOUNTS),
        breadth=draw(st.none() | BREADTH),
    )
    return candles, inputs


def changed(inputs, candles, **others: Any):
    """The same inputs with other candles on every timeframe, and others of what is there."""
    views = dict.fromkeys(TIMEFRAME_WEIGHTS, view_of(candles))
    present = {name: value for name, value in others.items() if getattr(inputs, name) is not None}
    return replace(inputs, views=views, **present)


def in_the_mirror(candles, inputs):
    """Prices p -> 2m - p, buys and sells exchanged, the book turned at its middle."""
    return changed(
        inputs,
        mirrored(candles),
        book=inputs.book and mirrored_book(inputs.book),
        trades=inputs.trades and mirrored_trades(inputs.trades) if inputs.trades is not None else None,
    )


def in_another_unit(candles, inputs, factor):
    """Every price times the factor; amounts are in base units and stay."""
    order_book, known = inputs.book, inputs.trades
    return changed(
        inputs,
        scaled(candles, factor),
        book=order_book and replace(order_book, bids=order_book.bids * [factor, 1],
                                    asks=order_book.asks * [factor, 1]),
        trades=None if known is None else replace(known, price=known.price * factor),
    )  # fmt: skip


def assert_components(there, back, names, *, factor):
    """Each x of the one is that of the other times the factor, and None where it is None."""
    for name in names:
        x, other = there.components[name].x, back.components[name].x
        assert other is None if x is None else other == pytest.approx(factor * x, abs=1e-7), name


@quick
@given(everything())
def test_the_mirror_turns_every_component_that_has_a_direction(both):
    """Five components become 100 - x, sub-score by sub-score; sentiment has no price and stays."""
    candles, inputs = both
    there, back = scored(inputs), scored(in_the_mirror(candles, inputs))

    assert_components(there, back, MIRRORED, factor=-1.0)
    assert_components(there, back, ["sentiment"], factor=1.0)
    for part, other in zip(
        there.components["orderflow"].sub_scores, back.components["orderflow"].sub_scores, strict=True
    ):
        assert part.reason == other.reason
        assert part.value is None or other.value == pytest.approx(-part.value, abs=1e-9), part.name


@quick
@given(everything())
def test_without_sentiment_the_whole_score_is_mirrored(both):
    """100 - score with the same confidence, and the opposite signal."""
    candles, inputs = both
    inputs = replace(inputs, funding=None, long_short=None, breadth=None)
    there, back = scored(inputs), scored(in_the_mirror(candles, inputs))

    assert (there.score is None) == (back.score is None)
    if there.score is not None:
        assert back.score == pytest.approx(100 - there.score, abs=1e-6)
        assert back.confidence == pytest.approx(there.confidence, abs=1e-6)


@quick
@given(everything(), st.sampled_from((1000.0, 0.001, 7.3)))
def test_the_unit_of_price_changes_no_score(both, factor):
    """Candles, book and trades a thousand times as dear: the same x in every component."""
    candles, inputs = both

    there, back = scored(inputs), scored(in_another_unit(candles, inputs, factor))

    assert_components(there, back, there.components, factor=1.0)
    assert back.quality == there.quality


@quick
@given(everything())
def test_every_number_is_in_its_range_and_everything_missing_has_a_reason(both):
    """Scores in [0, 100], values in [-1, 1], shares that add up; a None is never without its reason."""
    _, inputs = both
    score = scored(inputs)

    json.dumps(score.to_plain(), allow_nan=False)
    assert score.score is None or 0 <= score.score <= 100
    assert all(0 <= part <= 1 for part in (score.quality, score.confidence or 0, score.strength or 0))
    for name, part in score.components.items():
        assert (part.x is None) == bool(part.reason) == (name in score.missing)
        shares = [each.share for each in part.sub_scores if each.share is not None]
        assert not shares or sum(shares) == pytest.approx(1)
        for each in part.sub_scores:
            assert each.value is None or -1 <= each.value <= 1
            assert each.value is not None or (each.reason and not each.inputs and not each.facts)
    assert all(state.used == (state.reason is None) for state in score.inputs)


@quick
@given(everything())
def test_the_same_inputs_give_the_same_bytes_also_from_the_cache(both):
    """No clock, no order of a set; what was packed and unpacked scores alike."""
    _, inputs = both
    there = json.dumps(scored(inputs).to_plain())
    unpacked = {
        name: kind.from_plain(*WHERE, getattr(inputs, name).to_plain())
        for name, kind in (("trades", Trades), ("open_interest", OpenInterest), ("funding", Funding))
        if getattr(inputs, name) is not None
    }

    assert json.dumps(scored(inputs).to_plain()) == there
    assert json.dumps(scored(replace(inputs, **unpacked)).to_plain()) == there


anything = st.floats()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(anything, anything, anything, st.integers(-128, 127)), max_size=14),
    st.lists(anything, max_size=5),
    st.lists(anything, max_size=4),
    st.tuples(*[anything] * 5),
    st.integers(-3, 3),
)
def test_no_number_whatever_raises(rows, times, amounts, five, count):
    """Numbers that no exchange sends give a reason or a value in range: never an exception, never NaN."""
    since, as_of, rate, interval_h, ratio = five
    columns = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    inputs = ScoreInputs(
        {"1m": view_of(walk(70))},
        book(columns[:2].T, columns[1:3].T),
        Trades(*WHERE, *columns[:3], columns[3].astype(np.int8), since=since, last_ids=(), as_of=as_of),
        OpenInterest(*WHERE, tuple(times), tuple(amounts), as_of),
        Funding(*WHERE, rate, interval_h, None, NOW),
        LongShort(*WHERE, ratio, NOW),
        Breadth(WHERE[0], count, 2 - count, NOW),
    )
    score = scored(inputs)

    values = [each.value for part in score.components.values() for each in part.sub_scores]
    assert all(value is None or -1 <= value <= 1 for value in values)
    facts = [dict(each.facts) for part in score.components.values() for each in part.sub_scores]
    json.dumps(facts, allow_nan=False)


def test_the_components_are_not_always_neutral():
    """The properties above are not held by components that never move."""
    random = np.random.default_rng(5)
    rows = np.column_stack(
        (np.arange(900, 0, -9), random.uniform(99, 101, 100), random.uniform(1, 9, 100),
         random.choice([-1, 1], 100))
    )  # fmt: skip
    xs = [
        scored(ScoreInputs({"1m": view_of(walk(90, seed=seed))}, trades=trades(rows[seed:])))
        for seed in range(10)
    ]

    for name in ("orderflow", "volume", "price_structure"):
        assert len({round(score.components[name].x, 6) for score in xs}) > 5, name
