import math
from dataclasses import replace

import pytest

from market.components import orderflow
from market.score_inputs import ScoreInputs
from market.timeframe_view import view_of
from tests.support.made_candles import flat, mirrored, rising, walk
from tests.support.made_inputs import open_interest

UP = view_of(rising(100, timeframe="5m"))
DOWN = view_of(mirrored(rising(100, timeframe="5m")))
# An hour in steps of five minutes: 1,000 an hour ago, 1,005 now.
GROWN = open_interest(1000.0, *[1002.0] * 11, 1005.0)


def measured(known, views=None):
    """The sub-score with the numbers behind it, or the reason why there is none."""
    found = orderflow.of(ScoreInputs(views or {}, open_interest=known))
    return found.found.get("open_interest") or found.reasons["open_interest"]


@pytest.mark.parametrize(("view", "sign"), [(UP, 1), (DOWN, -1)])
def test_new_positions_count_for_the_side_that_the_price_went_to(view, sign):
    """Half a percent more open interest in an hour is tanh(0.5), up or down with the price."""
    found = measured(GROWN, {"5m": view})

    assert found.value == pytest.approx(sign * math.tanh(0.5))
    assert found.facts == pytest.approx(
        {"now": 1005, "hour_ago": 1000, "change": 0.005, "price_change": view.change_1h}
    )
    assert found.timeframe == "5m"


def test_closed_positions_count_for_nobody():
    """Less open interest is 0, and not -0."""
    found = orderflow.of(ScoreInputs({"5m": DOWN}, open_interest=open_interest(*range(1013, 1000, -1))))

    assert str(found.values["open_interest"]) == "0.0"


def test_a_price_that_is_where_it_was_has_no_side():
    """Neither buyers nor sellers brought the new positions."""
    assert measured(GROWN, {"5m": view_of(flat(100, timeframe="5m"))}).value == 0


def test_the_shortest_timeframe_that_has_an_hour_gives_the_price_change():
    """Sixty minutes ago needs 61 one-minute bars; with fewer the next timeframe is asked."""
    short, long = view_of(walk(60)), view_of(walk(61))

    assert measured(GROWN, {"5m": UP, "1m": long}).timeframe == "1m"
    assert measured(GROWN, {"5m": UP, "1m": short}).timeframe == "5m"
    assert measured(GROWN, {"5m": UP, "1m": None}).timeframe == "5m"


def test_without_a_price_of_an_hour_ago_there_is_no_sign():
    """Four hours do not divide an hour, and three bars of 30 minutes are enough for it."""
    four_hours = view_of(walk(100, timeframe="4h"))

    assert measured(GROWN, {"4h": four_hours}) == "no closed candle of an hour ago"
    assert measured(GROWN) == "no closed candle of an hour ago"
    assert view_of(walk(3, timeframe="30m")).change_1h is not None


@pytest.mark.parametrize(
    ("times", "hour_ago"),
    [
        ((-3900, -3590, 0), 20.0),  # the nearest one, here ten seconds too young
        ((-3800, -3400, 0), 10.0),  # as near on both sides: the older
        ((-3900, -1800, 0), 10.0),  # five minutes too old is near enough
        ((-3901, -1800, 0), None),
        ((-3299, -1800, 0), None),
    ],
)
def test_the_value_nearest_to_an_hour_ago_is_taken_within_five_minutes(times, hour_ago):
    """Polls come a little early or late; beyond five minutes it is another hour."""
    known = replace(open_interest(10.0, 20.0, 30.0), time=tuple(1e9 + at for at in times))
    found = measured(known, {"5m": UP})

    if hour_ago is None:
        assert found == "no open interest of an hour before the newest, within 5 minutes"
    else:
        assert found.facts["hour_ago"] == hour_ago


@pytest.mark.parametrize(
    "known",
    [
        open_interest(),
        open_interest(1000.0),
        open_interest(0.0, *[1000.0] * 12),
        open_interest(math.nan, *[1000.0] * 12),
        open_interest(*[1000.0] * 12, math.inf),
        replace(GROWN, time=()),
        open_interest(*[1000.0] * 12, -1.0),
    ],
)
def test_open_interest_that_cannot_be_compared_gives_a_reason(known):
    """Absent, a single value, nothing an hour ago, no number: never an exception."""
    assert measured(known, {"5m": UP}).startswith("no open interest of an hour before")


def test_a_growth_beyond_every_float_is_no_number():
    """Neither shown as infinite nor counted as 1."""
    assert measured(open_interest(1e-300, *[1e300] * 12), {"5m": UP}) == "the result is not a finite number"


def test_the_mirror_changes_the_sign_with_the_price():
    """Open interest itself has no side."""
    candles = walk(200, seed=8)
    there, back = (measured(GROWN, {"1m": view_of(each)}).value for each in (candles, mirrored(candles)))

    assert there != 0
    assert back == -there
