from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.errors import Banned, ExchangeUnavailable, LimiterFull, RateLimited
from market.limiter import PUBLISHED, Rate, rate_of
from market.token_bucket import TokenBucket


class Time:
    """A clock that only sleeping moves; `offset` sets the wall clock apart from the monotonic one."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.offset = 500.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.slept.append(seconds)
        self.now += seconds

    def wall(self) -> float:
        """Unix seconds."""
        return self.now + self.offset


def bucket(time: Time, rate: Rate, sleep=None) -> TokenBucket:
    """A bucket on this clock."""
    return TokenBucket(
        exchange="x", rate=rate, clock=time.wall, monotonic=lambda: time.now, sleep=sleep or time.sleep
    )


BYBIT = rate_of("bybit", rate_limit_ms=20)


class Crowd:
    """Threads as one: while a call sleeps, others come; then all wake late, at the same moment."""

    def __init__(self) -> None:
        self.time = Time()
        self.turns = bucket(self.time, BYBIT, sleep=self.sleep)
        self.sent: list[float] = []
        self.to_come = 0
        self.stall_s = 0.0

    def sleep(self, seconds: float) -> None:
        """Let the others in first, and oversleep by the stall."""
        wake_at = self.time.now + seconds
        if self.to_come:
            self.to_come -= 1
            self.call()
        else:
            wake_at, self.stall_s = wake_at + self.stall_s, 0.0
        self.time.now = max(self.time.now, wake_at)

    def call(self) -> None:
        """One call, noted when it goes out."""
        self.turns.acquire(patience_s=1e6)
        self.sent.append(self.time.now)


@settings(deadline=None, max_examples=60)
@given(
    # idle seconds, calls one after the other, how many more wait at the same time, and a stall of all
    st.lists(
        st.tuples(st.floats(0, 8), st.integers(1, 400), st.integers(0, 60), st.floats(0, 3)),
        min_size=1,
        max_size=5,
    )
)
def test_no_sliding_window_ever_holds_more_than_the_published_limit(rounds):
    """Whatever arrives together or is stalled together, any 5 s hold at most 98 % of the 600 calls."""
    crowd = Crowd()

    for idle_s, calls, waiting, stall_s in rounds:
        crowd.time.now += idle_s
        crowd.to_come, crowd.stall_s = waiting, stall_s
        for _ in range(calls):
            crowd.call()

    window = PUBLISHED["bybit"]
    last = 0
    for first, start in enumerate(crowd.sent):
        while last < len(crowd.sent) and crowd.sent[last] < start + window.seconds:
            last += 1
        assert last - first <= 0.98 * window.requests


def test_at_least_95_percent_of_the_window_is_used_when_there_is_work():
    """Ten seconds of constant work send at least 95 % of what the exchange allows."""
    time = Time()
    turns = bucket(time, BYBIT)

    start, calls = time.now, 0
    while time.now - start < 10:
        turns.acquire(patience_s=60)
        calls += 1

    assert calls >= 0.95 * 1200


def test_without_a_published_window_ccxt_s_cost_and_spacing_count():
    """A call of cost 3 at 1000 ms a unit keeps the next one waiting for 3 s."""
    time = Time()
    turns = bucket(time, rate_of("kraken", rate_limit_ms=1000))

    turns.acquire(3.0, patience_s=10)
    turns.acquire(1.0, patience_s=10)

    assert time.slept == [3.0]


def test_with_a_published_window_each_request_weighs_one():
    """Bybit counts requests, whatever ccxt thinks that a call costs."""
    time = Time()
    turns = bucket(time, BYBIT)

    for _ in range(5):
        turns.acquire(5.0, patience_s=0)

    assert time.slept == []


def test_processes_that_do_not_share_a_bucket_keep_to_their_share():
    """Two halves are not more than the whole."""
    half = rate_of("bybit", rate_limit_ms=20, share=0.5)

    assert 2 * half.per_second == pytest.approx(BYBIT.per_second)
    assert 2 * half.burst <= BYBIT.burst


def test_a_caller_without_patience_is_told_at_once_and_takes_no_turn():
    """The error names when the turn would have come; who waits longer gets exactly that turn."""
    time = Time()
    turns = bucket(time, rate_of("kraken", rate_limit_ms=1000))
    turns.acquire(patience_s=0)

    with pytest.raises(LimiterFull) as refused:
        turns.acquire(patience_s=0.5)
    turns.acquire(patience_s=1)

    assert refused.value.until == pytest.approx(1501.0)
    assert time.slept == [1.0]


@pytest.mark.parametrize(
    ("word", "kind"),
    [("rate_limited", RateLimited), ("banned", Banned), ("unreachable", ExchangeUnavailable)],
)
def test_a_closed_bucket_refuses_with_the_error_that_closed_it(word, kind):
    """Everybody learns why nobody may ask, and for how long."""
    time = Time()
    turns = bucket(time, BYBIT)

    turns.close_until(time.wall() + 60, word=word, reason="said so")

    with pytest.raises(kind, match="said so"):
        turns.acquire(patience_s=20)
    assert not time.slept


def test_a_closure_shorter_than_the_patience_is_waited_for():
    """The call goes out when the bucket opens."""
    time = Time()
    turns = bucket(time, BYBIT)
    turns.close_until(time.wall() + 5)

    turns.acquire(patience_s=20)

    assert time.slept == [5.0]


def test_the_latest_of_several_closures_counts():
    """A shorter pause never opens what a longer one closed."""
    time = Time()
    turns = bucket(time, BYBIT)
    turns.close_until(time.wall() + 600, word="banned")

    turns.close_until(time.wall() + 1)

    with pytest.raises(Banned):
        turns.acquire(patience_s=20)


def test_a_bucket_that_closes_while_a_call_waits_for_its_turn_stops_that_call():
    """The turn is lost: nothing goes out into a ban."""
    time = Time()
    turns = TokenBucket(
        exchange="x",
        rate=rate_of("kraken", rate_limit_ms=1000),
        clock=time.wall,
        monotonic=lambda: time.now,
        sleep=lambda seconds: (time.sleep(seconds), turns.close_until(time.wall() + 600, word="banned")),
    )
    turns.acquire(patience_s=0)

    with pytest.raises(Banned):
        turns.acquire(patience_s=20)


def test_many_threads_share_one_bucket():
    """Ten threads with real clocks together get no more than burst plus rate times time."""
    turns = TokenBucket(exchange="x", rate=Rate(200.0, 5.0))
    granted: list[int] = []

    def work() -> None:
        for _ in range(10):
            turns.acquire(patience_s=10)
            granted.append(1)

    import time

    start = time.monotonic()
    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - start

    assert len(granted) == 100
    assert took >= (100 - 5) / 200.0 * 0.99
