from __future__ import annotations

import pytest

from cache.breaker import Breaker


def test_one_failure_opens_it(clock):
    """And is logged once, and counted."""
    opened = []
    breaker = Breaker("t", clock=clock)
    breaker.on_open = lambda: opened.append(1)

    breaker.failed(TimeoutError())
    breaker.failed("again")

    assert (breaker.closed, breaker.openings, opened) == (False, 1, [1])


def test_it_is_probed_after_a_while_and_closes_when_the_tier_is_well(clock):
    """Not before it is due, and less often as it goes on."""
    answers = [False, False, True]
    breaker = Breaker("t", clock=clock, probe=lambda: answers.pop(0))
    breaker.failed("x")

    assert breaker.try_probe() is False
    assert len(answers) == 3
    waits = []
    while not breaker.closed:
        waits.append(breaker.due_in())
        clock.move(breaker.due_in() + 0.001)
        breaker.try_probe()

    assert answers == []
    assert waits == pytest.approx([0.1, 0.2, 0.4], abs=0.01)
    assert breaker.due_in() is None


def test_a_probe_that_raises_has_failed(clock):
    """Whatever it raises; and never waits longer than half a second."""
    breaker = Breaker("t", clock=clock, probe=lambda: 1 / 0)
    breaker.failed("x")
    for _ in range(10):
        clock.move(1)
        assert breaker.try_probe() is False

    assert breaker.state == "open"
    assert breaker.due_in() <= 0.5


def test_only_one_probes(clock):
    """While one is at it, another has nothing to do."""
    breaker = Breaker("t", clock=clock)
    states = []
    breaker.probe = lambda: states.append((breaker.state, breaker.try_probe())) or True
    breaker.failed("x")
    clock.move(1)

    assert breaker.try_probe() is True
    assert states == [("half_open", False)]
