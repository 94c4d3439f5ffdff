"""Claims about what is fetched when."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tasks import planning
from tasks.planning import ABSENT, Want

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE = 1_747_699_200.0  # a full minute, hour and four hours
NAMES = [f"S{number}/USDT" for number in range(200)]
BTC = "BTC/USDT"


def want(symbol: str, overdue: float, source: str = "trades", timeframe: str = "") -> Want:
    """Something of a symbol, as late as it is said to be."""
    period_s = planning.TIMEFRAME_SECONDS[timeframe] if timeframe else 15.0
    return Want(source, symbol, timeframe, period_s, overdue, None)


def asked_at(overdue: Callable[[float, float], float], first: float, until: float) -> list[float]:
    """When one is asked for that is looked at every quarter of a second and answered at once."""
    times, stored_at, now = [], first, first
    while (now := now + 0.25) < until:
        if overdue(stored_at, now) >= 0:
            times.append(now)
            stored_at = now
    return times


def test_what_nobody_has_is_due_at_once() -> None:
    """The backfill waits for no close and no period."""
    assert planning.in_order([want("A", ABSENT), want("B", -0.1)]) == [want("A", ABSENT)]


def test_the_backfill_gives_every_symbol_its_shortest_timeframe_first() -> None:
    """The first dashboard needs one timeframe of each; then comes what changes most."""
    absent = [
        want("A", ABSENT, "candles", "4h"),
        want("A", ABSENT),
        want("A", ABSENT, "candles", "1m"),
        want("B", ABSENT, "candles", "1m"),
    ]

    order = [(one.symbol, one.source, one.timeframe) for one in planning.in_order(absent)]

    assert order == [
        ("A", "candles", "1m"), ("B", "candles", "1m"), ("A", "trades", ""), ("A", "candles", "4h"),
    ]  # fmt: skip


def test_the_most_overdue_goes_first_whatever_it_is() -> None:
    """One rule for candles, books and all else: late in relation to its own period."""
    late = [want("A", 0.2, "order_book"), want("B", 1.5, "candles", "1m"), want("C", 0.7, "open_interest")]

    assert [one.symbol for one in planning.in_order(late)] == ["B", "C", "A"]


def test_what_is_late_does_not_wait_for_the_backfill_nor_the_other_way_round() -> None:
    """In turns: on a slow exchange the backfill takes long enough for all prices to grow old."""
    wants = [*(want(f"A{number}", ABSENT) for number in range(3)), want("B", 5.0), want("C", 4.0)]

    assert [one.symbol for one in planning.in_order(wants)] == ["B", "A0", "C", "A1", "A2"]


def test_on_a_slow_exchange_everything_ages_evenly() -> None:
    """With a third of the calls that the periods want, no symbol waits twice as long as another."""
    stored = {symbol: MINUTE + number / 100 for number, symbol in enumerate(NAMES)}
    gaps: dict[str, float] = {}

    for second in range(20, 400):
        now = MINUTE + second
        wants = [want(name, planning.slot_overdue(stored[name], name, 15.0, now)) for name in NAMES]
        for one in planning.in_order(wants)[:4]:
            gaps[one.symbol] = now - stored[one.symbol]
            stored[one.symbol] = now

    assert len(gaps) == len(NAMES)
    assert max(gaps.values()) < 1.5 * min(gaps.values())


@pytest.mark.parametrize("timeframe", ["1m", "5m", "4h"])
def test_a_candle_is_asked_for_only_after_its_close_and_its_spread(timeframe: str) -> None:
    """Walking the clock over the edge: not a moment before."""
    edge = MINUTE + planning.TIMEFRAME_SECONDS[timeframe] + planning.spread_s(BTC, timeframe)

    def overdue(now: float) -> float:
        return planning.candles_overdue(MINUTE, MINUTE + 2, BTC, timeframe, now)

    assert overdue(edge - 0.001) < 0 <= overdue(edge)


def test_candles_go_before_what_is_as_late_by_its_period() -> None:
    """Right after their close: a second of a candle counts as much as one and a half of a book."""
    edge = MINUTE + 60 + planning.spread_s(BTC, "1m")

    candle = planning.candles_overdue(MINUTE, MINUTE + 2, BTC, "1m", edge + 3)
    slot = planning.slot_overdue(MINUTE, BTC, 15.0, MINUTE)
    book = planning.slot_overdue(MINUTE, BTC, 15.0, MINUTE - slot * 15.0 + 3)

    assert candle > book > 0


def test_a_series_that_stopped_closing_is_asked_for_more_and_more_seldom() -> None:
    """At doubling distances, at last once in a timeframe: a halted market costs next to nothing."""
    times = asked_at(
        lambda stored_at, now: planning.candles_overdue(MINUTE, stored_at, BTC, "1m", now),
        MINUTE,
        MINUTE + 900,
    )

    distances = [after - before for before, after in pairwise(times)]
    assert distances[0] == planning.RETRY_S
    assert all(after >= before for before, after in pairwise(distances))
    assert set(distances[-5:]) == {60.0}
    assert len(times) < 20


def test_a_series_that_came_without_its_newest_candles_is_soon_asked_for_again() -> None:
    """It is late by hours and yet was asked for once; only who asks in vain again and again waits longer."""
    came_at = MINUTE + 4 * 14_400

    def overdue(stored_at: float, now: float) -> float:
        return planning.candles_overdue(MINUTE, stored_at, BTC, "4h", now, first_at=came_at)

    times = asked_at(overdue, came_at, came_at + 900)

    distances = [after - before for before, after in pairwise([came_at, *times])]
    assert distances[:2] == [planning.RETRY_S, planning.RETRY_S]
    assert all(after <= 2 * before for before, after in pairwise(distances))
    assert distances[-1] > 100


def test_after_an_outage_nothing_waits_for_a_next_try() -> None:
    """Nobody was answered meanwhile: that says nothing about the series."""
    half_an_hour_later = MINUTE + 1800

    assert planning.candles_overdue(MINUTE, MINUTE + 2, BTC, "1m", half_an_hour_later) > 100


def test_a_doubted_series_is_asked_for_at_once_and_a_late_one_in_its_turn() -> None:
    """Stale before its next candle: expired, or its tier was lost. Stale after it: it is late already."""
    after_a_fruitless_answer = {"closed_at": MINUTE, "stored_at": MINUTE + 300, "now": MINUTE + 301}

    assert planning.candles_overdue(MINUTE, MINUTE + 2, BTC, "1m", MINUTE + 10, doubted=True) == 0
    assert planning.candles_overdue(symbol=BTC, timeframe="1m", doubted=True, **after_a_fruitless_answer) < 0


def test_a_doubted_value_does_not_wait_for_its_period_and_is_not_asked_for_without_a_pause() -> None:
    """It was expired, or its tier lost: five minutes of a marked score for one call that costs nothing."""
    slot_s = -planning.slot_overdue(MINUTE, BTC, 300.0, MINUTE) * 300.0
    assert slot_s > planning.RETRY_S

    def overdue(age_s: float, *, doubted: bool = True) -> float:
        return planning.slot_overdue(MINUTE, BTC, 300.0, MINUTE + age_s, doubted=doubted)

    assert overdue(planning.RETRY_S - 0.001) < 0 <= overdue(planning.RETRY_S)
    assert overdue(slot_s - 0.001, doubted=False) < 0 <= overdue(slot_s, doubted=False)


def test_the_spread_is_even_and_bounded() -> None:
    """Two hundred symbols do not ask in the same second, and none waits longer than allowed."""
    offsets = [planning.spread_s(name, "1m") for name in NAMES]

    assert min(offsets) >= planning.FIRST_ASK_S
    assert max(offsets) <= 15.0
    busiest = max(sum(start <= one < start + 1 for one in offsets) for start in range(16))
    assert busiest <= 40


def test_each_symbol_is_asked_for_once_in_each_period() -> None:
    """Not more often, because the rounds come when they come, and not less."""
    times = asked_at(
        lambda stored_at, now: planning.slot_overdue(stored_at, BTC, 15.0, now), MINUTE + 7, MINUTE + 607
    )

    assert len(times) == 40
    assert {after - before for before, after in pairwise(times)} == {15.0}


def test_what_was_fetched_together_is_not_asked_for_together() -> None:
    """Everybody has a moment of his own in the period, and they are even over it."""
    due = [
        sum(planning.slot_overdue(MINUTE, name, 15.0, MINUTE + age) >= 0 for name in NAMES)
        for age in (3.75, 7.5, 11.25, 15.0)
    ]

    assert all(abs(share - wanted) <= 20 for share, wanted in zip(due, (50, 100, 150, 200), strict=True))
    assert due[-1] == 200


def test_batches_keep_the_order_and_lose_nothing() -> None:
    """The pieces put together are the whole."""
    assert planning.batches(["a", "b", "c", "d", "e"], 2) == [["a", "b"], ["c", "d"], ["e"]]


def test_a_batch_asks_for_one_thing_in_the_order_given() -> None:
    """One message has one source and one timeframe."""
    wants = [want("A", 3, "candles", "1m"), want("B", 2), want("C", 1, "candles", "1m")]

    assert planning.by_batch(wants, 10) == [("candles", "1m", ["A", "C"]), ("trades", "", ["B"])]
