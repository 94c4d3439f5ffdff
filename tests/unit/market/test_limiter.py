from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.errors import Banned, ExchangeUnavailable, LimiterFull, RateLimited
from market.limiter import PUBLISHED, Rate, TokenBucket, rate_of


class Time:
    """A clock that only sleeping moves; `offset` sets the wall clock apart from the monotonic one."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.offset = 500.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def wall(self) -> float:
        return self.now + self.offset


def bucket(time: Time, rate: Rate, sleep=None) -> TokenBucket:
    return TokenBucket(
        exchange="x", rate=rate, clock=time.wall, monotonic=lambda: time.now, sleep=sleep or time.sleep
    )


BYBIT = rate_of("bybit", rate_limit_ms=20)


@settings(deadline=None)
@given(
    # idle seconds before each burst of calls that arrive at the same moment from many threads
    st.lists(st.tuples(st.floats(0, 8), st.integers(1, 400)), min_size=1, max_size=6)
)
def test_no_sliding_window_ever_holds_more_than_the_published_limit(bursts):
    """However calls arrive, each goes out at its turn, and any 5 s hold fewer than 600 of them."""
    time, sent = Time(), []
    turns = bucket(time, BYBIT, sleep=lambda seconds: sent.append(time.now + seconds))

    for idle, calls in bursts:
        time.now += idle
        for _ in range(calls):
            before = len(sent)
            turns.acquire(patience_s=1e6)
            if len(sent) == before:
                sent.append(time.now)

    window = PUBLISHED["bybit"]
    for index, start in enumerate(sent):
        assert sum(1 for other in sent[index:] if other <= start + window.seconds) <= window.requests * 0.97


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
    turns = TokenBucket(exchange="x", rate=Rate(200.0, 5.0, per_request=True))
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
