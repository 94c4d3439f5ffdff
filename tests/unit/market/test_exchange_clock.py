from __future__ import annotations

from email.utils import formatdate

from hypothesis import given
from hypothesis import strategies as st

from market.exchange_clock import ExchangeClock


def note(clock: ExchangeClock, *, shown: float, sent: float, took: float = 0.0, **headers: str) -> None:
    """Let the clock see an answer which the exchange wrote when its own clock showed `shown`."""
    date = formatdate(int(shown), usegmt=True)
    clock.note({"Date": date, **headers}, sent_at=sent, received_at=sent + took)


def test_before_the_first_answer_our_own_clock_is_all_there_is():
    """An unknown offset is none."""
    clock = ExchangeClock()

    assert clock.offset_s is None
    assert clock.at(77.5) == 77.5


@given(
    st.floats(-5000, 5000),
    st.lists(st.tuples(st.floats(0, 3), st.floats(0, 2), st.floats(0, 1)), min_size=1, max_size=20),
)
def test_it_is_never_ahead_of_the_exchange(offset, answers):
    """Whatever the latencies, the estimate stays behind the truth, by a second and a latency at most."""
    clock, ours = ExchangeClock(), 1_700_000_000.0
    least = float("inf")

    for idle, took, written in answers:
        ours += idle
        note(clock, shown=ours + took * written + offset, sent=ours, took=took)
        least = min(least, 1 + took * (1 - written))
        ours += took

    assert clock.at(ours) <= ours + offset + 1e-6
    assert clock.at(ours) >= ours + offset - least - 1e-6


def test_many_answers_come_close_to_the_truth():
    """Answers at different fractions of the second narrow the resolution of the header."""
    clock = ExchangeClock()

    for tenth in range(10):
        note(clock, shown=2000 + tenth * 0.1 + 7.35, sent=2000 + tenth * 0.1, took=0.01)

    assert 7.24 <= clock.offset_s <= 7.35


def test_a_clock_that_was_set_voids_what_was_learned():
    """A jump in either direction is followed at once."""
    clock = ExchangeClock()
    note(clock, shown=5000, sent=2000)

    note(clock, shown=2001, sent=2001)
    assert clock.offset_s == 0.0

    note(clock, shown=9002, sent=2002)
    assert clock.offset_s == 7000.0


def test_what_was_learned_long_ago_is_forgotten():
    """Clocks drift: after two spans of memory only newer answers count."""
    clock = ExchangeClock(memory_s=10)
    note(clock, shown=1000.0, sent=1000.0)

    for minute in (1011.9, 1022.9):
        note(clock, shown=minute, sent=minute)

    assert clock.offset_s < -0.8


def test_answers_without_a_usable_date_change_nothing():
    """No header, a broken one, and an answer received before it was sent teach nothing."""
    clock = ExchangeClock()

    clock.note({}, sent_at=1, received_at=2)
    clock.note({"Date": "yesterday"}, sent_at=1, received_at=2)
    clock.note({"Date": formatdate(50)}, sent_at=3, received_at=2)

    assert clock.offset_s is None


def test_the_age_of_a_cached_answer_is_added():
    """A cache on the way repeats an old date and says how old."""
    clock = ExchangeClock()

    note(clock, shown=1000, sent=1030, Age="30")

    assert clock.offset_s == 0.0
