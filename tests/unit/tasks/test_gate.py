"""The shared limiter against a Redis that answers as the test says, on a clock that only sleeping moves."""

from __future__ import annotations

import pytest

from cache.bucket import Told
from market.errors import BadAnswer, Banned, ExchangeUnavailable, LimiterFull
from market.limiter import rate_of
from tests.support.gate_bench import Bench, turn


def test_a_turn_costs_one_round_trip_and_an_answer_none():
    """Where nobody failed there is nothing to tell."""
    bench = Bench(turn())

    bench.gate.acquire(3.0, patience_s=20)
    bench.gate.succeeded()

    assert bench.bucket.calls == [("take", 3.0, 20.0, 0.0)]


def test_who_had_to_wait_asks_again_when_the_turn_has_come():
    """With the patience that is left, for as long as Redis says."""
    bench = Bench(turn("wait", 2.0), turn("wait", 0.5), turn())

    bench.gate.acquire(patience_s=20)

    assert bench.slept == [2.0, 0.5]
    assert bench.bucket.calls[1:] == [("go", 1.0, 18.0), ("go", 1.0, 17.5)]


def test_with_a_published_window_each_call_weighs_one():
    """Whatever ccxt thinks that it costs."""
    bench = Bench(turn(), rate=rate_of("bybit", rate_limit_ms=20))

    bench.gate.acquire(5.0, patience_s=20)

    assert bench.bucket.calls[0][1] == 1.0


def test_a_full_bucket_is_told_with_the_moment_of_the_turn():
    """Our own haste: the exchange said nothing."""
    bench = Bench(turn("full", 25.0))

    with pytest.raises(LimiterFull) as refused:
        bench.gate.acquire(patience_s=20)

    assert refused.value.until == 1525.0


def test_a_closure_is_waited_for_within_the_patience_else_told():
    """With its own word, reason and end by our clock."""
    closed = {"word": "banned", "reason": "HTTP 403"}
    bench = Bench(turn("closed", 5.0, **closed), turn("closed", 600.0, **closed))

    with pytest.raises(Banned, match="HTTP 403") as refused:
        bench.gate.acquire(patience_s=20)

    assert bench.slept == [5.0]
    assert refused.value.until == 2105.0


def test_an_open_circuit_is_told_at_once_however_patient_one_is():
    """With the words of the failure that opened it."""
    bench = Bench(turn("open", 5.0, openings=1, reason="HTTP 502"))

    with pytest.raises(ExchangeUnavailable, match="HTTP 502") as refused:
        bench.gate.acquire(patience_s=600)

    assert (refused.value.retry_after, bench.slept) == (5.0, [])


def test_a_failure_is_told_to_all_and_says_when_to_come_back():
    """Once for each call that went out, with the pause that the exchange asked for."""
    bench = Bench(turn())
    bench.bucket.told = Told(0, 1, 5.0)
    error = ExchangeUnavailable("x", "HTTP 503", retry_after=2.0)

    bench.gate.acquire(patience_s=20)
    bench.gate.failed(error)
    bench.gate.failed(error)

    assert bench.bucket.calls[1:] == [("failed", 2.0, "HTTP 503")]
    assert error.retry_after == 5.0


def test_an_answer_after_failures_is_told():
    """Also one that is bad: somebody answers. Without failures before it nobody needs to know."""
    bench = Bench(turn(failures=2), turn(failures=2), turn())
    for error in (None, BadAnswer("x", "HTML"), None):
        bench.gate.acquire(patience_s=20)
        if error is None:
            bench.gate.succeeded()
        else:
            bench.gate.failed(error)

    assert bench.names() == ["take", "answered", "take", "answered", "take"]


def test_a_refused_trial_is_given_up():
    """It went through half open and was then refused: the next one may try."""
    bench = Bench(turn(failures=5, openings=1), turn("full", 25.0))
    bench.gate.acquire(patience_s=20)

    with pytest.raises(LimiterFull):
        bench.gate.acquire(patience_s=20)
    bench.gate.failed(ExchangeUnavailable("x", "not asked"))

    assert bench.names() == ["take", "take", "dropped"]


def test_a_closure_goes_to_everybody_at_once():
    """For the time that is left by our clock."""
    bench = Bench(turn())

    bench.gate.close_until(1560.0, word="banned", reason="HTTP 418")

    assert bench.bucket.calls == [("close", 60.0, "banned", "HTTP 418")]
