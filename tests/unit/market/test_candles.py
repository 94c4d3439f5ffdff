from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.candles import LONGEST_GAP_BARS, aggregate, closed_only, fill_gaps, merge

if TYPE_CHECKING:
    from market.model import Candles

MINUTE_MS = 60_000
START_MS = 1_747_699_200_000  # a midnight


def row(minute: int, close: float = 100.0, volume: float = 1.0) -> list[float]:
    """One raw row, so many minutes after the start."""
    return [START_MS + minute * MINUTE_MS, close - 1, close + 2, close - 2, close, volume]


def series(*minutes: int, close: float = 100.0) -> Candles:
    """Candles of these minutes, each with a close of its own; those between are filled."""
    return fill_gaps("1m", np.array([row(minute, close + minute) for minute in minutes], dtype=float))


def at(minute: float) -> float:
    """Unix seconds so many minutes after the start."""
    return START_MS / 1000 + minute * 60


def test_a_candle_counts_from_the_very_moment_it_closes():
    """The boundary belongs to the closed side; a millisecond before it does not."""
    candles = series(0, 1, 2)

    assert len(closed_only(candles, at(3))) == 3
    assert len(closed_only(candles, at(3) - 0.001)) == 2


def test_nothing_is_closed_before_the_first_close():
    """A clock far behind gives an empty series, a clock far ahead the whole one."""
    candles = series(0, 1)

    assert len(closed_only(candles, at(-500))) == 0
    assert len(closed_only(candles, at(500))) == 2


def test_a_gap_carries_the_last_close_with_zero_volume_and_is_flagged():
    """Open, high, low and close of a filled bar are the close before it."""
    candles = series(0, 1, 4)

    assert candles.filled.tolist() == [False, False, True, True, False]
    for column in (candles.open, candles.high, candles.low, candles.close):
        assert column[2:4].tolist() == [101.0, 101.0]
    assert candles.volume.tolist() == [1.0, 1.0, 0.0, 0.0, 1.0]
    assert candles.closed_at == at(5)


def test_only_the_newest_bars_are_built_and_a_window_in_a_hole_is_anchored():
    """The bar before the window gives the window's first close, so no price is made up."""
    rows = np.array([row(0, 50), row(100, 60)], dtype=float)

    candles = fill_gaps("1m", rows, bars=3)

    assert candles.close.tolist() == [50.0, 50.0, 60.0]
    assert candles.filled.tolist() == [True, True, False]
    assert candles.first_open_ms == START_MS + 98 * MINUTE_MS


def test_no_rows_give_an_empty_series():
    """Empty in, empty out, with a true timeframe."""
    candles = fill_gaps("5m", np.zeros((0, 6)))

    assert (len(candles), candles.timeframe, candles.filled_share) == (0, "5m", 0.0)


def test_a_late_correction_overwrites():
    """What the exchange says later about a candle is what counts."""
    corrected = series(1, 2, close=500)

    merged = merge(series(0, 1), corrected)

    assert merged.close.tolist() == [100.0, 501.0, 502.0]


def test_a_correction_reaches_the_bars_that_were_filled_from_it():
    """A filled bar repeats the close before it, also when that close is corrected afterwards."""
    merged = merge(series(0, 3), series(0, close=90))

    assert merged.close.tolist() == [90.0, 90.0, 90.0, 103.0]


def test_a_filled_bar_never_hides_a_sent_one():
    """A candle that one answer left out stays when an earlier answer had it."""
    merged = merge(series(0, 1, 2), series(0, 2))

    assert not merged.filled.any()
    assert merged.close.tolist() == [100.0, 101.0, 102.0]


def test_a_filled_bar_is_replaced_when_the_candle_arrives_late():
    """A hole heals."""
    merged = merge(series(0, 2), series(1))

    assert not merged.filled.any()


def test_the_hole_between_two_answers_is_filled():
    """The series stays contiguous."""
    merged = merge(series(0), series(3))

    assert merged.filled.tolist() == [False, True, True, False]


def test_a_trimmed_series_that_begins_with_a_filled_bar_keeps_it():
    """The bar a fill came from may be gone; its price is not."""
    trimmed = series(0, 2, 3).tail(3)

    merged = merge(trimmed, series(4))

    assert merged.filled.tolist() == [True, False, False, False]
    assert merged.close[0] == 100.0


def test_a_hole_too_long_to_fill_leaves_the_later_series():
    """Nothing is made up for weeks, whichever side the later series comes from."""
    old, new = series(0), series(LONGEST_GAP_BARS + 5)

    assert merge(old, new) is new
    assert merge(new, old) is new


def test_merging_with_nothing_changes_nothing():
    """An empty side is neutral."""
    some, none = series(0), fill_gaps("1m", np.zeros((0, 6)))

    assert merge(some, none) is some
    assert merge(none, some) is some


def test_different_timeframes_do_not_mix():
    """Joining 1m with 5m is a mistake of the caller."""
    other = fill_gaps("5m", np.array([row(0)], dtype=float))

    with pytest.raises(ValueError, match="cannot join"):
        merge(series(0), other)


def test_aggregation_takes_complete_groups_only():
    """Minutes before the first and after the last whole group are left out."""
    fine = series(*range(3, 17))

    coarse = aggregate(fine, "5m")

    assert coarse.first_open_ms == START_MS + 5 * MINUTE_MS
    assert coarse.open.tolist() == [104.0, 109.0]
    assert coarse.close.tolist() == [109.0, 114.0]
    assert coarse.high.tolist() == [111.0, 116.0]
    assert coarse.low.tolist() == [103.0, 108.0]
    assert coarse.volume.tolist() == [5.0, 5.0]


def test_a_coarse_candle_is_filled_only_when_all_of_it_was():
    """One trade in the group makes the coarse candle real."""
    fine = series(0, 1, 2, 3, 4, 10)

    assert aggregate(series(*range(5), 10, 14), "5m").filled.tolist() == [False, True, False]
    assert len(aggregate(fine, "1h")) == 0


def test_a_finer_or_uneven_timeframe_cannot_be_made():
    """Only whole multiples can be aggregated."""
    fine = series(0, 1)

    assert aggregate(fine, "1m").close.tolist() == fine.close.tolist()
    with pytest.raises(ValueError, match="does not divide"):
        aggregate(aggregate(series(*range(10)), "5m"), "3m")
    with pytest.raises(ValueError, match="does not divide"):
        aggregate(aggregate(series(*range(10)), "5m"), "1m")


minutes_sent = st.lists(st.integers(0, 40), min_size=1, max_size=25, unique=True).map(sorted)


@given(minutes_sent, minutes_sent)
def test_merging_answers_is_the_same_as_one_answer_with_all_rows(early, late):
    """However the rows were cut into answers, the series is the one that all rows together give."""
    merged = merge(series(*early), series(*late))

    whole = series(*sorted({*early, *late}))
    assert merged.first_open_ms == whole.first_open_ms
    for column in ("open", "high", "low", "close", "volume", "filled"):
        assert np.array_equal(getattr(merged, column), getattr(whole, column))


@given(minutes_sent, st.integers(1, 60))
def test_a_window_is_the_tail_of_the_whole(minutes, bars):
    """Building only the newest bars gives the newest bars of the whole series."""
    rows = np.array([row(minute, 100.0 + minute) for minute in minutes], dtype=float)

    window, whole = fill_gaps("1m", rows, bars=bars), fill_gaps("1m", rows).tail(bars)

    assert window.close.tolist() == whole.close.tolist()
    assert window.filled.tolist() == whole.filled.tolist()
