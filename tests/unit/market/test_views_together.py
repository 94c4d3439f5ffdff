"""Series that are scored together: each has the view that it has alone, to the last bit."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.model import PRICE_COLUMNS
from market.technical_rating import NO_RATING, technical_rating, technical_ratings
from market.timeframe_view import TOGETHER, view_of, views_of
from tests.support.made_candles import flat, made, rising, walk
from tests.support.recorded_candles import MINUTES, recorded


def changed(candles, name, at, value):
    """The same candles with another number in one place."""
    columns = {each: getattr(candles, each).copy() for each in PRICE_COLUMNS}
    columns[name][at] = value
    return made(*columns.values(), timeframe=candles.timeframe)


def filled(candles, bars):
    """The same candles, the newest of them filled."""
    columns = (getattr(candles, name) for name in PRICE_COLUMNS)
    return made(*columns, timeframe=candles.timeframe, filled=np.arange(len(candles)) >= len(candles) - bars)


def of(bars):
    """Series of one length: healthy ones, and one of each kind that is not."""
    healthy = [walk(bars, seed=seed, price=price) for seed, price in ((1, 100.0), (2, 3e-7), (3, 9e6))]
    first = healthy[0]
    return [
        *healthy,
        walk(bars, seed=4, timeframe="5m"),
        flat(bars),
        flat(bars, volume=0.0),
        rising(bars),
        filled(first, bars),
        filled(first, 1),
        changed(first, "close", 0, math.nan),
        changed(first, "volume", -1, math.inf),
        changed(first, "low", 0, 0.0),
        changed(first, "high", 0, 1e307),
        changed(first, "close", -1, 1e-300),
        made(*(np.concatenate((np.full(bars - bars // 2, column[0]), column[: bars // 2]))
               for column in (getattr(first, name) for name in PRICE_COLUMNS))),
    ]  # fmt: skip


POOL = [walk(10).tail(0), *(each for bars in (1, 15, 20, 21, 34, 50, 79, 200, 500) for each in of(bars))]


def written(view):
    """Every digit of a view."""
    return json.dumps(view.to_plain(), allow_nan=False)


ALONE = [written(view_of(each)) for each in POOL]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, len(POOL) - 1), max_size=40))
def test_a_series_is_scored_alike_in_any_company(chosen):
    """Any of them, in any order and number, of any length, with bad ones in between."""
    views = views_of([POOL[at] for at in chosen])

    assert [written(view) for view in views] == [ALONE[at] for at in chosen]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 260), st.integers(1, 2 * TOGETHER + 3), st.integers(0, 2**32 - 1))
def test_the_number_and_the_place_of_a_series_change_no_digit(bars, count, seed):
    """From one series to more than two blocks of them, of any length, on a grid of ticks."""
    random = np.random.default_rng(seed)
    known = [walk(bars, seed=int(each), tick=0.01) for each in random.integers(0, 2**31, 3)]
    order = random.integers(0, len(known), count).tolist()

    alone = [written(view_of(each)) for each in known]
    together = views_of([known[at] for at in order])

    assert [written(view) for view in together] == [alone[at] for at in order]


def test_recorded_series_are_scored_alike_in_company():
    """Real prices of all recorded symbols, the newest 500 minutes and those before."""
    windows = [
        candles.tail(bars + 500) for candles in recorded(MINUTES).values() for bars in range(0, 700, 70)
    ]
    windows = [made(*(getattr(each, name)[:500] for name in PRICE_COLUMNS)) for each in windows]

    assert len(windows) > TOGETHER
    assert [written(view) for view in views_of(windows)] == [written(view_of(each)) for each in windows]


def test_ratings_together_are_those_of_each():
    """A series that cannot be rated has no rating, and leaves the others theirs."""
    several = of(100)

    ratings = technical_ratings(several)

    assert ratings == [technical_rating(each) for each in several]
    assert NO_RATING in ratings
    assert len({rating.rating for rating in ratings}) > 2


@pytest.mark.parametrize("count", [0, 1])
def test_few_series_are_no_exception(count):
    """No series have no views, and one has one."""
    assert len(views_of(POOL[:count])) == count
