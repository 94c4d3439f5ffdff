"""The circuit of a shared bucket: who is refused, and who may try, on a clock that the test moves."""

from __future__ import annotations

import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cache.bucket import Flow
from market.circuit import CLOSED, Circuit
from tests.support.buckets import FREE, NAMES, RULES, breaking, open_circuit

pytestmark = pytest.mark.integration


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
    name = f"b{next(NAMES)}"
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
