"""What must hold for any candles and book: units, mirror, range, determinism, and no exception."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.score_inputs import ScoreInputs
from market.technical_rating import ITEMS
from market.timeframe_view import view_of
from tests.support.made_candles import book, made, mirrored, mirrored_book, scaled, walk
from tests.support.recorded_candles import MINUTES, recorded
from tests.support.scored import TIMEFRAME_WEIGHTS, scored

TICKS = (1.0, 0.1, 0.01, 0.5, 1e-7)
quick = settings(max_examples=60, deadline=None)


@st.composite
def tick_candles(draw, *, least=0, most=320):
    """Candles on a tick grid: many equal prices, flat stretches, bars without volume."""
    bars = draw(st.integers(least, most))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lively = random.uniform(size=bars) < draw(st.sampled_from((0.0, 0.05, 0.5, 1.0)))
    reach = draw(st.sampled_from((1, 3, 40)))
    close = 100_000 + np.cumsum(random.integers(-reach, reach + 1, bars) * lively)
    opens = np.concatenate(([100_000], close[:-1]))[:bars]
    high = np.maximum(opens, close) + random.integers(0, reach + 1, bars) * lively
    low = np.minimum(opens, close) - random.integers(0, reach + 1, bars) * lively
    volume = random.integers(0, draw(st.sampled_from((1, 2, 9))), bars)
    tick = draw(st.sampled_from(TICKS))
    return made(opens * tick, high * tick, low * tick, close * tick, volume)


@st.composite
def books(draw):
    """Books of whole steps, some levels without an amount."""
    levels = draw(st.integers(1, 60))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    bids, asks = (np.cumsum(random.integers(1, 9, levels)) for _ in range(2))
    amounts = random.integers(0, 50, (2, levels)) / 8
    return book(np.column_stack((10_000 - bids, amounts[0])), np.column_stack((10_000 + asks, amounts[1])))


def score_of(candles, order_book=None):
    """A score with the same candles on every timeframe."""
    return scored(ScoreInputs(dict.fromkeys(TIMEFRAME_WEIGHTS, view_of(candles)), order_book))


def sub_scores(view):
    """All that a view has besides the rating."""
    return {name: value for values in view.sub_scores.values() for name, value in values.items()}


def numbers_in(plain):
    """Every float at any depth."""
    if isinstance(plain, dict):
        plain = list(plain.values())
    if isinstance(plain, (list, tuple)):
        return [number for each in plain for number in numbers_in(each)]
    return [plain] if isinstance(plain, float) else []


def assert_mirrored(there, back):
    """Each vote and each sub-score has changed its sign; what was absent still is."""
    votes, turned = there.technical.votes, back.technical.votes
    assert {item: None if votes[item] is None else -votes[item] for item in ITEMS} == turned
    assert_all(sub_scores(there), sub_scores(back), factor=-1.0, within=1e-9)


def assert_all(there, back, *, factor, within):
    """Every value times the factor, and None where there is none."""
    for name, value in there.items():
        other = back[name]
        assert other is None if value is None else other == pytest.approx(factor * value, abs=within), name


@quick
@given(st.lists(st.floats(1e-300, 1e150), min_size=60, max_size=60), st.integers(0, 2**32 - 1))
def test_positive_prices_of_any_size_stay_in_range(floats, seed):
    """Prices that jump by hundreds of orders of magnitude are scored or not, but never beyond their range."""
    random = np.random.default_rng(seed)
    view = view_of(made(*(random.permutation(floats) for _ in range(5))))

    numbers = [view.technical.rating, *sub_scores(view).values()]
    assert all(number is None or -1 <= number <= 1 for number in numbers)


@quick
@given(tick_candles(), st.sampled_from((1000.0, 0.001, 7.3, 1e-6)))
def test_the_unit_of_price_changes_no_score(candles, factor):
    """A thousandfold price gives the same votes and, to rounding, the same sub-scores."""
    there, back = view_of(candles), view_of(scaled(candles, factor))

    assert there.technical == back.technical
    assert_all(sub_scores(there), sub_scores(back), factor=1.0, within=1e-7)


@quick
@given(tick_candles())
def test_mirrored_prices_mirror_every_vote_and_sub_score(candles):
    """All 26 items and all eight sub-scores are exactly odd; the volume traded is left as it is."""
    if len(candles):
        assert_mirrored(view_of(candles), view_of(mirrored(candles)))


@quick
@given(tick_candles(least=1), books())
def test_mirrored_inputs_give_the_opposite_score(candles, order_book):
    """Candles mirrored, bids and asks exchanged at the middle: 100 - score, in every component."""
    there = score_of(candles, order_book)
    back = score_of(mirrored(candles), mirrored_book(order_book))

    for name in ("technical", "volume", "price_structure", "orderbook"):
        score, other = there.components[name].score, back.components[name].score
        assert other is None if score is None else other == pytest.approx(100 - score, abs=1e-6), name
    if there.score is not None:
        assert back.score == pytest.approx(100 - there.score, abs=1e-6)
        assert back.confidence == pytest.approx(there.confidence, abs=1e-6)


@quick
@given(tick_candles(), st.none() | books())
def test_every_number_is_finite_and_in_its_range(candles, order_book):
    """Scores within [0, 100], confidences within [0, 1], shares that add up, no NaN anywhere."""
    score = score_of(candles, order_book)
    plain = score.to_plain()

    assert all(math.isfinite(number) for number in numbers_in(plain))
    json.dumps(plain, allow_nan=False)
    assert all(0 <= part.score <= 100 for part in score.components.values() if part.score is not None)
    if score.score is not None:
        assert 0 <= score.score <= 100
        assert all(
            0 <= part <= 1 for part in (score.confidence, score.quality, score.agreement, score.strength)
        )
        assert sum(part.share for part in score.components.values() if part.share) == pytest.approx(1)


@quick
@given(tick_candles(), st.none() | books())
def test_the_same_input_gives_the_same_bytes(candles, order_book):
    """No clock, no order of a set, no randomness enters a score."""
    assert json.dumps(score_of(candles, order_book).to_plain()) == json.dumps(
        score_of(candles, order_book).to_plain()
    )


@quick
@given(st.lists(st.floats(), max_size=12), st.integers(0, 12), st.integers(0, 2**32 - 1))
def test_no_column_of_floats_whatever_raises(floats, repeats, seed):
    """Numbers that no exchange sends give a reason or a score in range, never an exception."""
    random = np.random.default_rng(seed)
    pool = np.array(floats * repeats, dtype=np.float64)
    view = view_of(made(*(random.permutation(pool) for _ in range(5))))

    assert view.technical.rating is None or -1 <= view.technical.rating <= 1
    assert all(value is None or -1 <= value <= 1 for value in sub_scores(view).values())
    json.dumps(view.to_plain(), allow_nan=False)


@pytest.mark.parametrize("symbol", ["BTC", "ENA", "XMR", "ADA"])
def test_units_and_mirror_hold_on_recorded_candles(symbol):
    """The same two properties on real prices, every 97th window of 500 bars."""
    candles = recorded(MINUTES)[f"{symbol}/USDT:USDT"]

    for end in range(500, len(candles), 97):
        columns = (
            getattr(candles, name)[end - 500 : end] for name in ("open", "high", "low", "close", "volume")
        )
        window = made(*columns)
        view = view_of(window)
        assert_mirrored(view, view_of(mirrored(window)))
        assert view.technical == view_of(scaled(window, 1000.0)).technical


def test_a_walk_is_not_always_neutral():
    """The properties above are not held by a score that never moves."""
    assert len({round(score_of(walk(300, seed=seed)).score) for seed in range(20)}) > 10
