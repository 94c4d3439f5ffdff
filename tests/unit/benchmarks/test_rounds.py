from __future__ import annotations

import pytest

from benchmarks.cache import rounds
from benchmarks.cache.rounds import Contender, Disturbed, Effort, contender, interleaved, undisturbed

THIN = Effort(quick=False, rounds=3, block_s=0.0001, patience_s=1)


def test_another_contender_begins_each_round(monkeypatch):
    """A machine that slows down within a round is unfair to each in turn."""
    order = []
    monkeypatch.setattr(rounds, "_passes", lambda *_: 1)
    contenders = [Contender(name, lambda _, name=name: order.append(name) or 1.0) for name in "abc"]

    found = interleaved(contenders, THIN, per_pass=1, unit_s=1.0)

    assert "".join(order) == "abcbcacab"
    assert found == {name: [1.0] * 3 for name in "abc"}


def test_a_figure_is_the_time_of_one_operation_in_the_unit(monkeypatch):
    """4 passes of 50 operations in 2 s are 10 ms each."""
    monkeypatch.setattr(rounds, "_passes", lambda *_: 4)

    found = interleaved([Contender("a", lambda _: 2.0)], THIN, per_pass=50, unit_s=1e-3)

    assert found["a"] == pytest.approx([10.0] * 3)


def test_a_wrong_answer_ends_the_benchmark():
    """Fast and wrong is not a result."""
    wrong = contender("wrong", lambda: 1, lambda got: got == 2)

    with pytest.raises(AssertionError, match="wrong answered 1"):
        wrong.timed(1)


def test_a_disturbed_block_is_made_again(monkeypatch):
    """It says nothing about the contender."""
    monkeypatch.setattr(rounds.time, "sleep", lambda _: None)
    outcomes = iter([Disturbed(), Disturbed(), 3.0])

    def timed(_):
        outcome = next(outcomes)
        if isinstance(outcome, Disturbed):
            raise outcome
        return outcome

    assert undisturbed(Contender("a", timed), 1) == 3.0


def test_blocks_that_are_always_disturbed_are_given_up(monkeypatch):
    """A tier that never answers is a failure, not a disturbance."""
    monkeypatch.setattr(rounds.time, "sleep", lambda _: None)

    def timed(_):
        raise Disturbed

    with pytest.raises(Disturbed, match="20 blocks"):
        undisturbed(Contender("a", timed), 1)


def test_a_full_run_makes_every_round_and_a_quick_one_stops_in_time(monkeypatch):
    """But it makes one at least."""
    now = iter(range(100))
    monkeypatch.setattr(rounds.time, "monotonic", lambda: next(now))

    assert list(Effort.of(quick=True).turns(0.5)) == [0]
    assert len(list(Effort.of(quick=False).turns(0.5))) == 9
    assert Effort.of(quick=False).rounds >= 7
