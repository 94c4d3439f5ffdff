from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulator.model import Candles, joined
from simulator.noise import key
from simulator.split import split
from simulator.walk import flow, volume_at, walk_through

CANDLE = st.tuples(st.integers(1, 10_000), st.integers(1, 10_000), st.integers(0, 500), st.integers(0, 500))


def candle(open_, close, above, below, volume=1000):
    """One candle at time 0 whose high and low lie above and below its body."""
    high, low = max(open_, close) + above, max(1, min(open_, close) - below)
    columns = [np.array([value]) for value in (0, open_, high, low, close, volume)]
    return Candles(*columns, np.array([float(volume)]))


def walk_of(one, seconds=60):
    """The walk through one candle."""
    return walk_through(opens=one.open, highs=one.high, lows=one.low, closes=one.close, seconds=seconds)


@given(CANDLE)
def test_the_walk_ends_as_the_candle_it_came_from(numbers):
    """After the last second open, high, low and close are the candle's, exactly."""
    one = candle(*numbers)
    walk = walk_of(one)

    path = walk.price_at(np.arange(61))
    high, low = walk.range_between(0, 60)

    assert path[0] == one.open[0]
    assert path[60] == one.close[0]
    assert high[0] == one.high[0] == path.max()
    assert low[0] == one.low[0] == path.min()


@given(CANDLE, st.integers(0, 60))
def test_the_walk_never_leaves_the_candle_and_its_range_only_grows(numbers, second):
    """At every second the high and low so far are those of the prices so far."""
    walk = walk_of(candle(*numbers))

    high, low = walk.range_between(0, second)
    path = walk.price_at(np.arange(second + 1))

    assert high[0] == path.max()
    assert low[0] == path.min()


def test_a_rising_candle_sees_its_low_first_and_a_falling_one_its_high():
    """The order of the extremes follows the colour."""
    rising = walk_of(candle(100, 120, 10, 10)).price_at(np.arange(61))
    falling = walk_of(candle(120, 100, 10, 10)).price_at(np.arange(61))

    assert rising.argmin() < rising.argmax()
    assert falling.argmax() < falling.argmin()


def test_volume_flows_in_unevenly_and_completely():
    """Shares rise from 0 to 1; the busiest second carries several times the mean."""
    shares = flow(np.array([key("flow")]), np.array([5]), 60)[0]

    portions = np.diff(shares)

    assert shares[0] == 0
    assert shares[-1] == 1
    assert portions.min() > 0
    assert portions.max() > 3 / 60
    assert volume_at(np.array([12_345]), shares[-1:])[0] == 12_345


@given(CANDLE, st.integers(0, 10**9), st.sampled_from([60, 180]))
def test_parts_of_a_candle_make_the_whole_again(numbers, volume, part_seconds):
    """Five-minute candles cut into shorter ones lose no price and no volume."""
    whole = candle(*numbers, volume=volume)
    if part_seconds == 180:
        whole, seconds = candle(*numbers, volume=volume), 900
    else:
        seconds = 300

    parts = split(
        whole, key=key("parts"), base_seconds=seconds, part_seconds=part_seconds, known_until=seconds
    )

    assert len(parts) == seconds // part_seconds
    assert parts.open[0] == whole.open[0]
    assert parts.close[-1] == whole.close[0]
    assert parts.high.max() == whole.high[0]
    assert parts.low.min() == whole.low[0]
    assert parts.volume.sum() == volume
    assert (parts.open[1:] == parts.close[:-1]).all()


def test_only_the_parts_that_have_begun_are_known():
    """Ninety seconds into five minutes there is one part, and one unfinished."""
    whole = joined([candle(100, 130, 5, 5)])

    parts = split(whole, key=key("parts"), base_seconds=300, part_seconds=60, known_until=90)

    assert parts.open_ms.tolist() == [0, 60_000]
    assert parts.volume.sum() < 1000
