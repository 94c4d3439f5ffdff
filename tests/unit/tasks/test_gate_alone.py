"""The shared limiter without Redis: what a process keeps to by itself, and what it tells afterwards."""

from __future__ import annotations

import pytest

from cache import TieredCache, make_tiers
from market.errors import Banned, ExchangeUnavailable, LimiterFull, RateLimited
from market.limiter import Rate, Window
from market.token_bucket import TokenBucket
from tasks.gate import QUIET_S, shared_limiter
from tests.support.gate_bench import RATE, Bench, turn


@pytest.mark.parametrize("processes", [1, 4])
def test_without_redis_a_process_keeps_to_its_share(processes):
    """Of those that were last seen; where there are others it first lets them notice."""
    bench = Bench(turn(processes=processes), None, rate=Rate(100.0, 5.0, Window(55, 0.5, "")))
    bench.gate.acquire(patience_s=20)
    began = bench.now

    calls = bench.calls_in(10.0)

    quiet_s = QUIET_S if processes > 1 else 0.0
    assert calls == pytest.approx(100.0 / processes * (10.0 - quiet_s), rel=0.02)
    assert bench.slept[0] >= quiet_s
    assert bench.now > began


def test_a_process_that_never_had_redis_takes_half():
    """It cannot know who else there is."""
    bench = Bench(None)

    assert bench.calls_in(10.0) == pytest.approx(0.5 * 10.0 * (10.0 - QUIET_S), abs=1)


def test_without_redis_what_was_closed_stays_closed():
    """What Redis last said, and what this process is told."""
    bench = Bench(turn("closed", 100.0, word="rate_limited", reason="HTTP 429"), None)
    for _ in range(2):
        with pytest.raises(RateLimited, match="HTTP 429"):
            bench.gate.acquire(patience_s=20)

    bench.gate.close_until(bench.now + 500.0 + 600.0, word="banned", reason="HTTP 403")

    with pytest.raises(Banned):
        bench.gate.acquire(patience_s=20)


def test_without_redis_the_circuit_is_this_process_s_own():
    """It opens after five failures and closes by an answer."""
    bench = Bench(None)
    for _ in range(5):
        bench.gate.acquire(patience_s=20)
        bench.gate.failed(ExchangeUnavailable("x", "HTTP 502"))

    with pytest.raises(ExchangeUnavailable, match="HTTP 502"):
        bench.gate.acquire(patience_s=20)
    bench.now += 5.0
    bench.gate.acquire(patience_s=20)
    bench.gate.succeeded()
    bench.gate.acquire(patience_s=20)

    assert "failed" not in bench.names()


def test_when_redis_is_back_it_is_told_what_was_closed_meanwhile():
    """Before the first turn; and all pause if this process has asked alone beside others."""
    bench = Bench(turn(processes=2), None)
    bench.gate.acquire(patience_s=20)
    bench.gate.acquire(patience_s=20)
    bench.gate.close_until(bench.now + 500.0 + 5.0, word="rate_limited", reason="HTTP 429")
    bench.bucket.answers = [turn(processes=2)]
    bench.bucket.calls.clear()

    bench.gate.acquire(patience_s=20)
    bench.gate.acquire(patience_s=20)

    assert bench.bucket.calls == [
        ("close", 5.0, "rate_limited", "HTTP 429"),
        ("take", 1.0, 20.0, QUIET_S),
        ("take", 1.0, 20.0, 0.0),
    ]


def test_a_closure_that_redis_missed_in_a_hiccup_is_told_by_the_next_call():
    """Although nobody has asked alone meanwhile."""
    bench = Bench(None)
    bench.gate.close_until(1560.0, word="banned", reason="HTTP 418")
    bench.bucket.answers = [turn()]

    bench.gate.acquire(patience_s=20)

    assert bench.names() == ["close", "close", "take"]


def test_a_hiccup_in_which_nothing_was_asked_alone_makes_nobody_pause():
    """Its turn would have come later than Redis did."""
    bench = Bench(turn(processes=2), None)
    bench.gate.acquire(patience_s=20)
    with pytest.raises(LimiterFull):
        bench.gate.acquire(patience_s=0.1)
    bench.bucket.answers = [turn(processes=2)]

    bench.gate.acquire(patience_s=20)

    assert bench.bucket.calls[-1] == ("take", 1.0, 20.0, 0.0)


def test_a_process_keeps_to_the_window_by_itself_whatever_redis_allows():
    """One that was away does not know what was asked meanwhile, and may go away and come back many times."""
    bench = Bench(turn(), rate=Rate(10.0, 1.0, Window(12, 1.0, "")))

    assert bench.calls_in(5.0) == 5 * 12 + 1  # the last one is the first of the sixth window

    bench.bucket.answers = [turn(), None] * 40 + [turn()]
    began, sent = bench.now, []
    while bench.now < began + 10.0:
        bench.gate.acquire(patience_s=60)
        sent.append(bench.now)
    assert max(sum(at <= other < at + 1.0 for other in sent) for at in sent) <= 12


def test_who_is_less_patient_than_the_window_is_full_is_told():
    """Our own haste: the exchange said nothing."""
    bench = Bench(turn(), rate=Rate(10.0, 1.0, Window(2, 5.0, "")))
    for _ in range(2):
        bench.gate.acquire(patience_s=1)

    with pytest.raises(LimiterFull, match=r"full for 5\.0 s"):
        bench.gate.acquire(patience_s=1)

    assert bench.slept == []


def test_who_has_no_patience_at_all_goes_where_there_is_room():
    """Although time passes between the question and the answer."""
    bench = Bench(turn(), rate=Rate(10.0, 1.0, Window(2, 5.0, "")))
    take = bench.bucket.take

    def slowly(flow, weight, *, patience_s, pause_s=0.0):
        bench.now += 0.01
        return take(flow, weight, patience_s=patience_s, pause_s=pause_s)

    bench.bucket.take = slowly

    bench.gate.acquire(patience_s=0)

    assert bench.slept == []


def test_without_a_shared_bucket_the_limiter_is_the_process_s_own():
    """No Redis is named: nobody else can be there."""
    cache = TieredCache(tiers=make_tiers(clock=lambda: 0.0))

    limiter = shared_limiter("x", RATE, cache=cache, clock=lambda: 0.0)

    assert isinstance(limiter, TokenBucket)
    assert limiter.rate == RATE
