import itertools

from ops.backoff import Backoff


def test_the_pause_doubles_from_one_second_to_thirty():
    """A process that can't start must not eat the machine, nor be given up."""
    backoff = Backoff(chance=lambda: 0.0)

    pauses = [backoff.delay_s(ran_for_s=0.1) for _ in range(8)]

    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


def test_chance_adds_up_to_a_fifth_and_never_passes_the_longest():
    """Processes that died together come back one after the other."""
    chances = itertools.cycle([1.0, 0.5])
    backoff = Backoff(chance=lambda: next(chances))

    pauses = [backoff.delay_s(ran_for_s=0.1) for _ in range(6)]

    assert pauses[:2] == [1.2, 2.2]
    assert pauses[5] == 30


def test_a_minute_of_steady_running_forgets_earlier_deaths():
    """A crash a day is not a crash loop."""
    backoff = Backoff(chance=lambda: 0.0)
    for _ in range(4):
        backoff.delay_s(ran_for_s=1)

    pause = backoff.delay_s(ran_for_s=60)

    assert pause == 1
    assert backoff.delay_s(ran_for_s=59.9) == 2


def test_a_thousand_deaths_do_not_overflow():
    """The cap holds for as long as the system runs."""
    backoff = Backoff(chance=lambda: 1.0)

    pauses = {backoff.delay_s(ran_for_s=0) for _ in range(1000)}

    assert max(pauses) == 30
