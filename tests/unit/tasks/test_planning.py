"""Claims about what is fetched when."""

from __future__ import annotations

import pytest

from tasks import planning

MINUTE = 1_747_699_200.0  # a full minute, hour and four hours


def test_a_series_that_nobody_has_is_due_at_once() -> None:
    """The backfill waits for no close."""
    due = planning.due_candles(["BTC/USDT"], ["1m"], {}, MINUTE + 0.1)

    assert due == [("BTC/USDT", "1m")]


def test_the_backfill_gives_every_symbol_its_shortest_timeframe_first() -> None:
    """The first complete dashboard needs one timeframe of each, not all of one."""
    due = planning.due_candles(["A", "B"], ["4h", "1m"], {}, MINUTE)

    assert due == [("A", "1m"), ("B", "1m"), ("A", "4h"), ("B", "4h")]


@pytest.mark.parametrize("timeframe", ["1m", "5m", "4h"])
def test_a_candle_is_asked_for_only_after_its_close_and_its_spread(timeframe: str) -> None:
    """Walking the clock over the edge: not a moment before."""
    step = planning.TIMEFRAME_SECONDS[timeframe]
    closed_at = {("BTC/USDT", timeframe): MINUTE}
    edge = MINUTE + step + planning.spread_s("BTC/USDT", timeframe)

    before = planning.due_candles(["BTC/USDT"], [timeframe], closed_at, edge - 0.001)
    after = planning.due_candles(["BTC/USDT"], [timeframe], closed_at, edge)

    assert before == []
    assert after == [("BTC/USDT", timeframe)]


def test_the_spread_is_even_and_bounded() -> None:
    """Two hundred symbols do not ask in the same second, and none waits longer than allowed."""
    offsets = [planning.spread_s(f"S{number}/USDT", "1m") for number in range(200)]

    assert min(offsets) >= planning.FIRST_ASK_S
    assert max(offsets) <= 15.0
    busiest = max(sum(start <= one < start + 1 for one in offsets) for start in range(16))
    assert busiest <= 40


def test_the_oldest_order_book_goes_first() -> None:
    """A book that is absent comes before one that is merely old; a young one is left alone."""
    due = planning.due_books(["A", "B", "C"], {"A": 100.0, "C": 112.0}, now=116.0, period_s=15.0)

    assert due == ["B", "A"]


def test_books_that_were_fetched_together_are_not_asked_for_together() -> None:
    """They come due over the last quarter of the period, each at a moment of its own."""
    names = [f"S{number}/USDT" for number in range(200)]
    together = dict.fromkeys(names, 100.0)

    due = [len(planning.due_books(names, together, now=100.0 + age, period_s=16.0)) for age in (11.9, 14, 16)]

    assert due[0] == 0
    assert 60 <= due[1] <= 140
    assert due[2] == 200


def test_batches_keep_the_order_and_lose_nothing() -> None:
    """The pieces put together are the whole."""
    assert planning.batches(["a", "b", "c", "d", "e"], 2) == [["a", "b"], ["c", "d"], ["e"]]


def test_series_are_grouped_by_timeframe_in_their_order() -> None:
    """One batch asks for one timeframe."""
    assert planning.by_timeframe([("A", "1m"), ("B", "5m"), ("C", "1m")]) == {"1m": ["A", "C"], "5m": ["B"]}
