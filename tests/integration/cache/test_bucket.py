"""The turns and closures of the shared bucket: what Redis decides for all processes, whatever the clock."""

from __future__ import annotations

import time

import pytest

from cache.bucket import Flow
from tests.support.buckets import FREE, NAMES, ONE_A_SECOND, RULES, breaking, open_circuit
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


def test_a_turn_is_reserved_among_all_processes(buckets, virtual):
    """Each next one is a second later, whoever asks, and goes when it has come."""
    waits = [bucket.take(ONE_A_SECOND, 1.0, patience_s=20).wait_s for bucket in buckets]
    virtual.move(1.0)

    assert waits == [0.0, 1.0, 2.0]
    assert buckets[1].go(ONE_A_SECOND, 1.0, patience_s=20).state == "go"


def test_a_turn_that_would_come_too_late_is_not_taken(buckets):
    """It says when it would have come; who is more patient gets just that turn."""
    buckets[0].take(ONE_A_SECOND, 3.0, patience_s=0)

    refused = buckets[1].take(ONE_A_SECOND, 1.0, patience_s=2.9)
    taken = buckets[2].take(ONE_A_SECOND, 1.0, patience_s=3)

    assert (refused.state, refused.wait_s) == ("full", 3.0)
    assert (taken.state, taken.wait_s) == ("wait", 3.0)


def test_the_window_counts_when_calls_go_out_and_gives_back_what_is_not_waited_for(buckets, virtual):
    """Two a second, however they were reserved; the third of three that were held up waits."""
    flow = Flow(per_second=10.0, burst=1.0, requests=2, window_s=1.0, trial_s=30.0)
    for bucket in buckets:
        bucket.take(flow, 1.0, patience_s=20)
    virtual.move(0.5)

    # The first went out at once; the others, whose turns have come, were stalled until now.
    second = buckets[1].go(flow, 1.0, patience_s=20)
    third = buckets[2].go(flow, 1.0, patience_s=20)
    impatient = buckets[2].go(flow, 1.0, patience_s=0.1)
    virtual.move(0.5)

    assert (second.state, third.state, third.wait_s) == ("go", "wait", 0.5)
    assert impatient.state == "full"
    assert buckets[2].go(flow, 1.0, patience_s=20).state == "go"


def test_a_closure_is_for_everybody_and_the_latest_end_counts(buckets, virtual):
    """Also for those who wait for their turn already; a turn beyond it stays."""
    buckets[0].take(ONE_A_SECOND, 1.0, patience_s=20)
    buckets[1].take(ONE_A_SECOND, 1.0, patience_s=20)
    buckets[2].close(600.0, word="banned", reason="HTTP 403")
    buckets[2].close(1.0, word="rate_limited", reason="HTTP 429")
    virtual.move(1.0)

    told = [
        buckets[0].take(ONE_A_SECOND, 1.0, patience_s=20),
        buckets[1].go(ONE_A_SECOND, 1.0, patience_s=20),
    ]

    assert {(turn.state, turn.wait_s, turn.word, turn.reason) for turn in told} == {
        ("closed", 599.0, "banned", "HTTP 403")
    }
    virtual.move(599.0)
    assert buckets[0].take(ONE_A_SECOND, 1.0, patience_s=0).state == "go"


def test_a_clock_that_is_set_back_makes_nothing_longer(buckets, virtual):
    """Turns, a full window, a closure that was over, and a pause of the circuit, over an hour's step."""
    flow = Flow(per_second=1.0, burst=1.0, requests=1, window_s=5.0, trial_s=30.0)
    buckets[0].close(600.0, word="banned", reason="HTTP 403")
    virtual.move(600.0)
    turns = [bucket.take(flow, 1.0, patience_s=20) for bucket in buckets[:2]]

    virtual.move(-3600.0)
    third = buckets[2].take(flow, 1.0, patience_s=20)
    virtual.move(2.0)

    assert [turn.state for turn in turns] == ["go", "wait"]
    assert (third.state, third.wait_s) == ("wait", 2.0)
    assert buckets[2].go(flow, 1.0, patience_s=20).state == "go"

    open_circuit(buckets[0])
    virtual.move(-3600.0)
    assert buckets[1].take(FREE, 1.0, patience_s=0).wait_s == RULES.first_s


def test_one_bucket_s_trouble_is_not_another_s(caches, buckets):
    """Neither a closure, nor a circuit, nor turns."""
    other = caches[0].bucket(f"b{next(NAMES)}")
    open_circuit(buckets[0])
    buckets[0].close(600.0, word="banned", reason="HTTP 403")

    turn = other.take(ONE_A_SECOND, 1.0, patience_s=0)

    assert (turn.state, turn.failures, turn.openings) == ("go", 0, 0)


def test_a_turn_that_the_window_makes_too_long_is_given_back(buckets, virtual):
    """The next one finds the bucket as if it had never been taken."""
    flow = Flow(per_second=10.0, burst=1.0, requests=1, window_s=1.0, trial_s=30.0)
    buckets[0].take(flow, 1.0, patience_s=0)
    buckets[1].take(flow, 1.0, patience_s=20)
    virtual.move(0.1)

    assert buckets[1].go(flow, 1.0, patience_s=0.5).state == "full"
    # It waits for the window alone, not for a turn of the bucket first.
    assert buckets[2].take(flow, 1.0, patience_s=20).wait_s == pytest.approx(0.9)


def test_processes_are_counted_for_half_a_minute(buckets, virtual):
    """Those that asked; one that is silent no longer counts."""
    counts = [bucket.take(FREE, 1.0, patience_s=0).processes for bucket in buckets]
    virtual.move(20.0)
    buckets[0].take(FREE, 1.0, patience_s=0)
    virtual.move(11.0)

    assert counts == [1, 2, 3]
    assert buckets[1].take(FREE, 1.0, patience_s=0).processes == 2


def test_somebody_who_comes_back_makes_everybody_pause(buckets):
    """The others may still be asking alone: nothing goes out for a second, then at the rate."""
    back = buckets[0].take(ONE_A_SECOND, 1.0, patience_s=20, pause_s=1.0)
    next_one = buckets[1].take(ONE_A_SECOND, 1.0, patience_s=20)

    assert (back.wait_s, next_one.wait_s) == (2.0, 3.0)


@pytest.mark.parametrize("end", ["kill", "freeze"])
def test_without_redis_it_cannot_say_and_costs_its_budget_once(make_breakable, end):
    """Each method says None, after 50 ms at most once, then at once."""
    bucket = make_breakable.proved("l3").bucket("x")
    assert bucket.take(FREE, 1.0, patience_s=0).state == "go"
    getattr(make_breakable.redis, end)()

    began = time.monotonic()
    answers = [
        bucket.take(FREE, 1.0, patience_s=0),
        bucket.go(FREE, 1.0, patience_s=0),
        bucket.close(1.0, word="banned", reason=""),
        bucket.failed(breaking(), ""),
        bucket.answered(),
        bucket.dropped(),
    ]
    took_s = time.monotonic() - began

    assert answers == [None] * 6
    assert took_s < 0.5
    if end == "freeze":
        make_breakable.redis.thaw()
        eventually(lambda: bucket.take(FREE, 1.0, patience_s=0), within_s=8)


def test_a_cache_without_redis_has_no_shared_bucket(make):
    """It never says anything."""
    bucket = make("l1").bucket("x")

    assert not bucket.shared
    assert bucket.take(FREE, 1.0, patience_s=0) is None
