"""The shared bucket: what Redis decides for all processes, most of it on a clock that the test moves."""

from __future__ import annotations

import threading
import time
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cache.bucket import Breaking, Flow
from market.circuit import CLOSED, Circuit, Rules
from tests.support.virtual_buckets import VirtualTime
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

RULES = Rules(failures=3, first_s=5.0, longest_s=60.0, trial_s=30.0)
FREE = Flow(per_second=1000.0, burst=1000.0, requests=0, window_s=0.0, trial_s=RULES.trial_s)
ONE_A_SECOND = Flow(per_second=1.0, burst=1.0, requests=0, window_s=0.0, trial_s=30.0)
names = count()


@pytest.fixture
def caches(make):
    """Three processes."""
    return [make("l3", listening=False) for _ in range(3)]


@pytest.fixture
def virtual(caches, monkeypatch):
    """Their Redis's clock, for buckets."""
    return VirtualTime(caches[0], monkeypatch)


@pytest.fixture
def buckets(caches, virtual):  # noqa: ARG001 - on the moved clock
    """The same bucket as three processes see it."""
    name = f"b{next(names)}"
    return [cache.bucket(name) for cache in caches]


def breaking(*, share: float = 1.0, asked_s: float = 0.0) -> Breaking:
    """The rules, as the bucket takes them."""
    return Breaking(RULES.failures, RULES.first_s, RULES.longest_s, share, asked_s)


def open_circuit(bucket) -> None:
    """Three failures in a row."""
    for _ in range(3):
        bucket.take(FREE, 1.0, patience_s=0)
        bucket.failed(breaking(), "HTTP 502")


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
    other = caches[0].bucket(f"b{next(names)}")
    open_circuit(buckets[0])
    buckets[0].close(600.0, word="banned", reason="HTTP 403")

    turn = other.take(ONE_A_SECOND, 1.0, patience_s=0)

    assert (turn.state, turn.failures, turn.openings) == ("go", 0, 0)


def test_failures_are_counted_over_all_processes(buckets):
    """One each of three opens it for all, with the last one's words."""
    for bucket in buckets:
        bucket.take(FREE, 1.0, patience_s=0)
        told = bucket.failed(breaking(), "HTTP 502")

    assert (told.before, told.after, told.open_s) == (0, 1, 5.0)
    for bucket in buckets:
        turn = bucket.take(FREE, 1.0, patience_s=20)
        assert (turn.state, turn.wait_s, turn.reason) == ("open", 5.0, "HTTP 502")


def test_an_open_circuit_is_told_before_a_closure_that_is_hardly_longer(buckets):
    """Nobody shall wait for it; a ban is told all the same."""
    open_circuit(buckets[0])
    buckets[0].close(5.5, word="unreachable", reason="HTTP 503")
    first = buckets[1].take(FREE, 1.0, patience_s=20).state
    buckets[0].close(600.0, word="banned", reason="HTTP 403")

    assert (first, buckets[1].take(FREE, 1.0, patience_s=20).state) == ("open", "closed")


def test_one_trial_over_all_processes_and_threads(buckets, virtual):
    """Twelve threads of three processes come at the same moment: one goes through."""
    open_circuit(buckets[0])
    virtual.move(5.0)
    states: list[str] = []
    barrier = threading.Barrier(12)

    def ask(bucket) -> None:
        barrier.wait()
        states.append(bucket.take(FREE, 1.0, patience_s=20).state)

    threads = [threading.Thread(target=ask, args=(bucket,)) for bucket in buckets * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(states) == ["go", *["open"] * 11]


def test_a_trial_whose_process_died_is_over_after_a_while(buckets, virtual):
    """Then the next may try."""
    open_circuit(buckets[0])
    virtual.move(5.0)
    buckets[0].take(FREE, 1.0, patience_s=0)

    virtual.move(29.9)
    before = buckets[1].take(FREE, 1.0, patience_s=0).state
    virtual.move(0.1)

    assert (before, buckets[1].take(FREE, 1.0, patience_s=0).state) == ("open", "go")


def test_only_who_has_the_trial_can_give_it_up(buckets, virtual):
    """Others who were refused have nothing to give."""
    open_circuit(buckets[0])
    virtual.move(5.0)
    buckets[0].take(FREE, 1.0, patience_s=0)

    buckets[1].dropped()
    kept = buckets[2].take(FREE, 1.0, patience_s=0).state
    buckets[0].dropped()

    assert (kept, buckets[2].take(FREE, 1.0, patience_s=0).state) == ("open", "go")


def test_who_finds_the_window_full_leaves_the_trial_to_the_next(buckets, virtual):
    """It does not ask, and would keep everybody out for as long as a trial may last."""
    one_a_minute = Flow(per_second=1000.0, burst=1000.0, requests=1, window_s=60.0, trial_s=30.0)
    buckets[0].take(one_a_minute, 1.0, patience_s=0)
    open_circuit(buckets[0])
    virtual.move(RULES.first_s)

    assert buckets[1].take(one_a_minute, 1.0, patience_s=0).state == "full"
    assert buckets[2].take(FREE, 1.0, patience_s=0).state == "go"


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


class Steps:
    """The pure circuit and the one in Redis, side by side."""

    def __init__(self, buckets, virtual) -> None:
        self.buckets = buckets
        self.virtual = virtual
        self.pure: Circuit = CLOSED

    def ask(self, who: int) -> None:
        """Come, and go through if it lets one."""
        refused_s = self.pure.refused_s(str(who), self.virtual.now)
        turn = self.buckets[who].take(FREE, 1.0, patience_s=0)
        assert (turn.state == "open") == (refused_s > 0)
        assert turn.openings == self.pure.openings
        if refused_s:
            assert turn.wait_s == pytest.approx(refused_s, abs=1e-5)
        else:
            assert turn.failures == self.pure.failures
            self.pure = self.pure.let_through(str(who), self.virtual.now, RULES)

    def failed(self, who: int) -> None:
        """Tell of a failure."""
        before = self.pure.openings
        self.pure = self.pure.failed(
            str(who), self.virtual.now, reason="HTTP 502", chance=0.0, retry_after_s=7.0, rules=RULES
        )
        told = self.buckets[who].failed(breaking(asked_s=7.0), "HTTP 502")
        assert (told.before, told.after) == (before, self.pure.openings)

    def answered(self, who: int) -> None:
        """Tell of an answer."""
        self.pure = self.pure.answered(str(who))
        assert self.buckets[who].answered().after == self.pure.openings

    def dropped(self, who: int) -> None:
        """Tell that nothing was asked."""
        self.pure = self.pure.dropped(str(who))
        self.buckets[who].dropped()


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ask", "failed", "failed", "answered", "dropped"]),
            st.integers(0, 2),
            st.sampled_from([0.0, 0.5, 1.0, 5.0, 30.0]),
        ),
        max_size=40,
    )
)
def test_the_circuit_in_redis_takes_the_steps_of_the_pure_one(caches, virtual, steps):
    """Whatever happens in whatever order: the same refusals, for the same time, the same openings."""
    name = f"b{next(names)}"
    both = Steps([cache.bucket(name) for cache in caches], virtual)

    for what, who, wait_s in steps:
        virtual.move(wait_s)
        getattr(both, what)(who)


def test_a_chance_shortens_the_pause_in_redis_as_well(buckets):
    """By the share that it is told."""
    for _ in range(3):
        buckets[0].take(FREE, 1.0, patience_s=0)
        told = buckets[0].failed(breaking(share=0.8), "HTTP 502")

    assert told.open_s == 4.0


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
        eventually(lambda: bucket.take(FREE, 1.0, patience_s=0), within_s=5)


def test_a_cache_without_redis_has_no_shared_bucket(make):
    """It never says anything."""
    bucket = make("l1").bucket("x")

    assert not bucket.shared
    assert bucket.take(FREE, 1.0, patience_s=0) is None
