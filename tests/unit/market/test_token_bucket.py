"""How the limiter of one process keeps its circuit; its turns are in test_limiter.py."""

from __future__ import annotations

import threading

import pytest

from market.circuit import Rules
from market.errors import BadAnswer, Banned, ExchangeUnavailable, LimiterFull, SymbolUnknown
from market.limiter import Rate
from market.token_bucket import TokenBucket

RULES = Rules(failures=3, first_s=5.0, longest_s=60.0, trial_s=30.0)


class Bench:
    """A bucket on a clock that only sleeping and the test move."""

    def __init__(self, rate: Rate = Rate(100.0, 5.0)) -> None:  # noqa: B008 - frozen
        self.now = 1000.0
        self.ahead = 500.0  # Unix time before the other clock
        self.turns = TokenBucket(
            exchange="x",
            rate=rate,
            clock=lambda: self.now + self.ahead,
            monotonic=lambda: self.now,
            sleep=self.sleep,
            chance=lambda: 0.0,
            rules=RULES,
        )

    def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.now += seconds

    def fail(self, times: int = 1, error=None) -> ExchangeUnavailable:
        """Ask and get no answer; returns the last error as it was told."""
        for _ in range(times):
            failure = error or ExchangeUnavailable("x", "HTTP 502")
            self.turns.acquire(patience_s=20)
            self.turns.failed(failure)
        return failure

    def ask(self) -> None:
        """Ask and get an answer."""
        self.turns.acquire(patience_s=20)
        self.turns.succeeded()

    def in_another_thread(self, work):
        """What `work` raised there, or None."""
        raised: list[BaseException | None] = []

        def run() -> None:
            try:
                work()
                raised.append(None)
            except ExchangeUnavailable as error:
                raised.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        return raised[0]


def test_a_clock_that_is_set_back_makes_no_closure_longer():
    """Neither one that is over nor one that goes on; what is told is on the clock as it is then."""
    bench = Bench()
    bench.turns.close_until(bench.now + 500.0 + 10.0)
    bench.now += 20.0
    bench.ahead -= 3600.0

    bench.ask()

    bench.turns.close_until(bench.now + bench.ahead + 60.0, word="banned", reason="HTTP 403")
    bench.ahead -= 3600.0
    assert bench.turns.closed().until == bench.now + bench.ahead + 60.0
    with pytest.raises(Banned, match="HTTP 403") as refused:
        bench.turns.acquire(patience_s=20)
    assert refused.value.until == bench.now + bench.ahead + 60.0


def test_an_open_circuit_refuses_at_once_with_the_reason_that_opened_it():
    """Nobody waits, however patient; everybody hears the original words and when to come back."""
    bench = Bench()
    bench.fail(3)
    before = bench.now

    with pytest.raises(ExchangeUnavailable, match="HTTP 502") as refused:
        bench.turns.acquire(patience_s=600)

    assert refused.value.retry_after == 5.0
    assert bench.now == before


def test_an_open_circuit_is_not_waited_for_although_the_bucket_is_closed_as_well():
    """As after a `Retry-After`; only a closure that is much longer, such as a ban, is told instead."""
    bench = Bench()
    bench.fail(3)
    bench.turns.close_until(bench.now + 500.0 + 5.0, word="unreachable", reason="HTTP 503")
    with pytest.raises(ExchangeUnavailable, match="HTTP 502"):
        bench.turns.acquire(patience_s=600)

    bench.turns.close_until(bench.now + 500.0 + 900.0, word="banned", reason="HTTP 403")

    with pytest.raises(Banned):
        bench.turns.acquire(patience_s=600)


def test_the_failure_that_opens_it_says_when_it_is_tried_again():
    """So that the dashboard can; those before it say nothing."""
    bench = Bench()

    assert bench.fail(2).retry_after is None
    assert bench.fail().retry_after == 5.0


@pytest.mark.parametrize(
    "error",
    [BadAnswer("x", "HTML"), Banned("x", "HTTP 403", until=0.0), SymbolUnknown("x", "gone", symbol="A")],
    ids=lambda error: type(error).__name__,
)
def test_an_exchange_that_answers_anything_is_there(error):
    """Rubbish, refusals and unknown symbols do not count, and end a row of failures."""
    bench = Bench()

    for _ in range(4):
        bench.fail(2)
        bench.fail(error=error)

    bench.ask()


def test_one_thread_tries_and_the_others_stay_out_until_it_has_told():
    """Its own further calls belong to the trial; its answer lets everybody in."""
    bench = Bench()
    bench.fail(3)
    bench.now += 5.0
    bench.turns.acquire(patience_s=1)

    kept_out = bench.in_another_thread(bench.ask)
    bench.turns.acquire(patience_s=1)
    bench.turns.succeeded()

    assert isinstance(kept_out, ExchangeUnavailable)
    assert kept_out.retry_after == 1.0
    assert bench.in_another_thread(bench.ask) is None


def test_a_refused_thread_has_nothing_to_tell():
    """What it hears is not counted as another failure, nor is a success that asked nothing an answer."""
    bench = Bench()
    bench.fail(3)
    for _ in range(10):
        with pytest.raises(ExchangeUnavailable) as refused:
            bench.turns.acquire(patience_s=1)
        bench.turns.failed(refused.value)
        bench.turns.succeeded()

    bench.now += 4.9
    with pytest.raises(ExchangeUnavailable):
        bench.turns.acquire(patience_s=1)
    bench.now += 0.1
    bench.ask()


def test_a_trial_that_finds_the_bucket_full_leaves_the_trial_to_others():
    """It never asked."""
    bench = Bench(Rate(1.0, 1.0))
    bench.fail(3)
    bench.now += 5.0
    bench.turns.acquire(patience_s=20)
    with pytest.raises(LimiterFull):
        bench.turns.acquire(patience_s=0)

    bench.now += 2.0
    assert bench.in_another_thread(bench.ask) is None


def test_what_closes_it_is_told_with_the_circuit_s_pause():
    """The later of a closure and the circuit, in Unix time."""
    bench = Bench()
    assert bench.turns.closed() is None
    bench.turns.close_until(bench.now + 500.0 + 2.0, word="rate_limited", reason="HTTP 429")
    assert bench.turns.closed().reason == "HTTP 429"
    bench.now += 2.0

    bench.fail(3)

    closed = bench.turns.closed()
    assert (closed.word, closed.reason, closed.until) == ("unreachable", "HTTP 502", bench.now + 505.0)


def test_starting_over_forgets_what_was_saved_up_and_begins_quietly():
    """The next call goes out a second and one turn later, at the new rate."""
    bench = Bench()

    bench.turns.start_over(Rate(2.0, 1.0), quiet_s=1.0)
    before = bench.now
    bench.ask()
    bench.ask()

    assert bench.now - before == pytest.approx(1.0 + 2 / 2.0)
