"""The shared limiter against a Redis that answers as the test says, on a clock that only sleeping moves."""

from __future__ import annotations

from typing import Any

import pytest

from cache import TieredCache, make_tiers
from cache.bucket import Told, Turn
from market.errors import BadAnswer, Banned, ExchangeUnavailable, LimiterFull, RateLimited
from market.limiter import Rate, Window, rate_of
from market.token_bucket import TokenBucket
from tasks.gate import QUIET_S, SharedLimiter, shared_limiter

RATE = Rate(10.0, 1.0)


def turn(state: Any = "go", wait_s: float = 0.0, **more: Any) -> Turn:
    """What Redis says to one who comes."""
    fields = {"processes": 1, "failures": 0, "openings": 0, "word": "", "reason": ""}
    return Turn(state, wait_s, **{**fields, **more})


class Script:
    """A bucket that gives these answers to `take` and `go`, then goes on saying the last one."""

    shared = True

    def __init__(self, *answers: Turn | None) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[Any, ...]] = []
        self.told: Told | None = Told(0, 0, 0.0)

    def take(self, flow, weight, *, patience_s, pause_s=0.0):  # noqa: ARG002 - the bucket's signature
        """The next answer."""
        self.calls.append(("take", weight, round(patience_s, 6), pause_s))
        return self._next()

    def go(self, flow, weight, *, patience_s):  # noqa: ARG002 - the bucket's signature
        """The next answer."""
        self.calls.append(("go", weight, round(patience_s, 6)))
        return self._next()

    def close(self, for_s, *, word, reason):
        """True while there is a Redis."""
        self.calls.append(("close", round(for_s, 6), word, reason))
        return None if self.answers[0] is None else True

    def failed(self, breaking, reason):
        """What the test wants told."""
        self.calls.append(("failed", breaking.asked_s, reason))
        return self.told

    def answered(self):
        """The same."""
        self.calls.append(("answered",))
        return self.told

    def dropped(self):
        """The same."""
        self.calls.append(("dropped",))
        return self.told

    def _next(self) -> Turn | None:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Bench:
    """A shared limiter over such a bucket."""

    def __init__(self, *answers: Turn | None, rate: Rate = RATE) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.bucket = Script(*answers)
        self.gate = SharedLimiter(
            exchange="x",
            rate=rate,
            bucket=self.bucket,
            clock=lambda: self.now + 500.0,
            monotonic=lambda: self.now,
            sleep=self.sleep,
            chance=lambda: 0.0,
        )

    def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.slept.append(seconds)
        self.now += seconds

    def calls_in(self, seconds: float) -> int:
        """How many go out within that time when there is always work."""
        end, calls = self.now + seconds, 0
        while self.now < end:
            self.gate.acquire(patience_s=60)
            self.gate.succeeded()
            calls += 1
        return calls

    def names(self) -> list[str]:
        """The calls to the bucket by name."""
        return [call[0] for call in self.bucket.calls]


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


def test_without_a_shared_bucket_the_limiter_is_the_process_s_own():
    """No Redis is named: nobody else can be there."""
    cache = TieredCache(tiers=make_tiers(clock=lambda: 0.0))

    limiter = shared_limiter("x", RATE, cache=cache, clock=lambda: 0.0)

    assert isinstance(limiter, TokenBucket)
    assert limiter.rate == RATE
