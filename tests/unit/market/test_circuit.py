from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.circuit import CLOSED, LEAST_PAUSE, TRIAL_HINT_S, Circuit, Rules

RULES = Rules(failures=3, first_s=5.0, longest_s=60.0, trial_s=30.0)


def failed(circuit: Circuit, now: float, *, by: str = "a", asked_s: float = 0.0, chance: float = 0.0):
    """The circuit after one more failure."""
    return circuit.failed(by, now, reason="HTTP 502", chance=chance, retry_after_s=asked_s, rules=RULES)


def opened(now: float = 100.0) -> Circuit:
    """A circuit that three failures opened at `now`."""
    circuit = CLOSED
    for _ in range(3):
        circuit = failed(circuit, now)
    return circuit


def test_it_opens_after_the_third_failure_in_a_row():
    """Two of three keep nobody out; the third keeps everybody out for the first pause."""
    two = failed(failed(CLOSED, 100.0), 100.0)
    three = failed(two, 101.0)

    assert two.refused_s("a", 101.0) == 0
    assert (three.openings, three.reason, three.refused_s("b", 102.0)) == (1, "HTTP 502", 4.0)


def test_an_answer_between_failures_starts_the_count_anew():
    """Only failures in a row count."""
    circuit = failed(failed(CLOSED, 0.0), 0.0).answered("b")

    assert failed(failed(circuit, 0.0), 0.0).openings == 0


def test_half_open_lets_one_through_and_the_rest_come_back_soon():
    """The trial may go on asking; nobody else may, until it has told or its time is over."""
    circuit = opened(100.0)
    assert circuit.refused_s("b", 105.0) == 0

    trial = circuit.let_through("b", 105.0, RULES)

    assert trial.refused_s("b", 106.0) == 0
    assert trial.refused_s("c", 106.0) == TRIAL_HINT_S
    assert trial.refused_s("c", 134.8) == pytest.approx(0.2)
    assert trial.refused_s("c", 135.0) == 0


def test_the_trial_s_answer_closes_it_for_everybody():
    """All is forgotten, also how often it opened."""
    trial = opened(100.0).let_through("b", 105.0, RULES)

    assert trial.answered("b") == CLOSED


def test_what_was_under_way_when_it_opened_decides_nothing():
    """A late answer does not close it, late failures neither lengthen nor double the pause."""
    circuit = opened(100.0)
    trial = circuit.let_through("b", 105.0, RULES)

    for one in (circuit, trial):
        assert one.answered("a") == one
        assert failed(one, 105.5, by="a") == one


def test_each_trial_that_fails_doubles_the_pause_up_to_the_longest():
    """5, 10, 20, 40, 60 and no more."""
    circuit, pauses = opened(100.0), [5.0]
    for _ in range(5):
        now = circuit.open_until
        circuit = failed(circuit.let_through("b", now, RULES), now, by="b")
        pauses.append(circuit.refused_s("c", now))

    assert pauses == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]


def test_a_longer_pause_that_the_exchange_asks_for_wins():
    """And a shorter one does not shorten ours."""
    two = failed(failed(CLOSED, 0.0), 0.0)

    assert failed(two, 0.0, asked_s=17.0).refused_s("b", 0.0) == 17.0
    assert failed(two, 0.0, asked_s=2.0).refused_s("b", 0.0) == 5.0


def test_a_trial_that_did_not_ask_leaves_it_to_the_next():
    """It was refused for another reason, such as a full bucket; others' word changes nothing."""
    trial = opened(100.0).let_through("b", 105.0, RULES)

    assert trial.dropped("c") == trial
    assert trial.dropped("b").refused_s("c", 105.0) == 0


@given(openings=st.integers(1, 10_000), chance=st.floats(0, 1, exclude_max=True))
def test_chance_shortens_a_pause_by_a_quarter_at_most(openings, chance):
    """So that processes do not come back in step, and never later than said."""
    full = RULES.pause_s(openings, 0.0)

    assert LEAST_PAUSE * full <= RULES.pause_s(openings, chance) <= full <= RULES.longest_s


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ask", "failed", "answered", "dropped"]),
            st.sampled_from("abc"),
            st.floats(0, 40),
        ),
        max_size=60,
    )
)
def test_there_is_never_more_than_one_trial(steps):
    """Whatever comes in whatever order: half open, nobody but the trial is let through before its time."""
    circuit, now = CLOSED, 0.0
    for what, by, wait_s in steps:
        now += wait_s
        if what == "ask":
            others_trial = circuit.openings and circuit.trial_until > now and circuit.trial_by != by
            may_ask = not circuit.refused_s(by, now)
            assert not (may_ask and others_trial)
            circuit = circuit.let_through(by, now, RULES) if may_ask else circuit
        elif what == "failed":
            circuit = failed(circuit, now, by=by)
        else:
            circuit = getattr(circuit, what)(by)
        assert circuit.refused_s("z", now) <= RULES.longest_s
