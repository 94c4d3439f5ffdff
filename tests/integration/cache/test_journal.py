"""Claims about journals: what begins is written down once, after its hold and outside its cooldown."""

from __future__ import annotations

from itertools import count

import pytest

from cache import Observation
from tests.support.observed import bodies, record, redis_now, seen
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

LONG_S = 3600.0


def test_an_onset_is_written_down_once(journal):
    """However often it is observed."""
    record(journal, seen("", 1))

    assert [record(journal, seen("up", mark)) for mark in (2, 3, 3, 4)] == [1, 0, 0, 0]
    assert bodies(journal) == [("up", 2)]


def test_another_level_is_another_onset(journal):
    """So is the same one after a calm."""
    levels = ["", "up", "down", "", "up"]

    assert [record(journal, seen(level, mark)) for mark, level in enumerate(levels, 1)] == [0, 1, 1, 0, 1]


def test_the_first_observation_is_where_a_name_starts_from(journal):
    """A start raises nothing, however much is going on."""
    assert [record(journal, seen("up", mark)) for mark in (1, 2)] == [0, 0]
    assert [record(journal, seen(level, mark)) for level, mark in (("", 3), ("up", 4))] == [0, 1]


def test_the_past_of_an_unknown_name_is_no_start(journal):
    """Of a known one it is told like anything else."""
    late = [seen("up", 1, past=True), seen("", 2, past=True), seen("up", 3, past=True)]

    assert record(journal, *late, seen("", 4)) == 0
    assert record(journal, seen("up", 5, past=True), seen("", 6, past=True), seen("", 7)) == 1
    assert bodies(journal) == [("up", 5)]


def test_what_comes_too_late_changes_nothing(journal):
    """A frozen process wakes with what it saw long ago."""
    record(journal, seen("", 1), seen("up", 5), seen("", 6))

    assert record(journal, seen("up", 5), seen("up", 4), seen("down", 6)) == 0
    assert record(journal, seen("", 7)) == 0
    assert bodies(journal) == [("up", 5)]


def test_a_level_that_stands_goes_on(journal):
    """Within the hysteresis it is neither left nor begun."""
    assert record(journal, seen("", 1), seen("", 2, stands="up"), seen("up", 3)) == 1
    assert record(journal, seen("", 4, stands="up"), seen("up", 5)) == 0
    assert record(journal, seen("", 6), seen("", 7, stands="up"), seen("up", 8)) == 1


def test_a_level_with_a_hold_is_told_once_it_has_lasted(journal):
    """By the clock of Redis, and also if it is the first that is seen."""
    held = seen("down", hold_s=0.2)

    assert record(journal, held) == 0
    assert eventually(lambda: record(journal, held), within_s=8, every_s=0.03) == 1
    assert record(journal, held) == 0


def test_a_level_that_ends_within_its_hold_was_none(journal):
    """Its next beginning is counted anew."""
    held = seen("down", hold_s=0.15)
    record(journal, held)

    def ended_and_begun():
        assert record(journal, seen(hold_s=0.15), held) == 0
        return redis_now(journal) - started > 0.5

    started = redis_now(journal)
    eventually(ended_and_begun, within_s=8, every_s=0.05)


def test_an_onset_within_the_cooldown_is_counted_and_not_told(journal):
    """By the clock of Redis; the next that is told says how many there were."""
    cooling = {"cooldown_s": 0.8}
    record(journal, seen("", 1))
    assert record(journal, seen("up", 2, **cooling)) == 1

    left_out = journal.record([seen("", 3), seen("up", 4, **cooling), seen("down", 5, **cooling)])

    assert (left_out.added, left_out.left_out) == ((), 2)
    marks = count(6)

    def told_again():
        return record(journal, seen("", next(marks)), seen("up", next(marks), **cooling))

    assert eventually(told_again, within_s=8, every_s=0.05) == 1
    newest, first = journal.recent(2)
    assert newest.at - first.at >= 0.8
    assert (first.left_out, newest.left_out >= 2) == (0, True)


def test_what_lasts_longer_than_its_cooldown_is_not_told_again(journal):
    """An onset in the cooldown was its onset; the level has to end first."""
    record(journal, seen("", 1), seen("up", 2), seen("", 3))
    assert record(journal, seen("up", 4, cooldown_s=0.05)) in {0, 1}
    eventually(lambda: redis_now(journal) - journal.recent(1)[0].at > 0.1, within_s=8)

    assert record(journal, seen("up", 5, cooldown_s=0.05)) == 0


def test_names_do_not_disturb_one_another(journal):
    """Each has its level, its order and its cooldown."""
    both = [seen("", 1, name=name) for name in "ab"]
    record(journal, *both)

    added = record(
        journal, *(seen("up", mark, name=name, cooldown_s=LONG_S) for name, mark in (("a", 9), ("b", 2)))
    )

    assert added == 2


def test_what_cannot_be_observed_is_refused():
    """Before it gets as far as Redis."""
    for wrong in (
        {"name": ""},
        {"name": "a", "level": "up"},
        {"name": "a", "mark": float("nan")},
        {"name": "a", "hold_s": -1.0},
    ):
        with pytest.raises(ValueError, match=r"wants|finite"):
            Observation(**wrong)
