"""Claims about journals: what is of long ago is not written down, and what is forgotten starts anew."""

from __future__ import annotations

import pytest

from tests.support.observed import bodies, record, seen
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

LONG_S = 3600.0


def test_a_level_of_long_ago_is_stored_and_not_told(journal):
    """It is no onset later on either; the next one is."""
    record(journal, seen("", 1))

    assert record(journal, seen("up", 2, old=True), seen("up", 3)) == 0
    assert record(journal, seen("", 4, old=True), seen("up", 5)) == 1


def test_an_old_observation_puts_off_no_onset_that_waits(journal):
    """The level began when it was news."""
    record(journal, seen("down", hold_s=0.15))

    held = seen("down", hold_s=0.15, old=True)

    assert eventually(lambda: record(journal, held), within_s=10, every_s=0.03) == 1


def test_a_forgotten_name_starts_anew(journal):
    """From wherever it is seen next. Of a name that nobody knows there is nothing to forget."""
    record(journal, seen("", 1), seen("up", 2), seen("", 1, name="b"))

    assert journal.forget(["a", "b", "nobody"]) == 2
    assert journal.forget(["a"]) == 0

    assert record(journal, seen("down", 3), seen("up", 2, name="b")) == 0
    assert record(journal, seen("", 4), seen("up", 5)) == 1
    assert bodies(journal) == [("up", 2), ("up", 5)]


def test_what_a_forgotten_name_was_told_still_cools_down(journal):
    """Nor is anything taken that was seen before."""
    cooling = {"cooldown_s": LONG_S}
    record(journal, seen("", 1), seen("up", 5, **cooling))
    journal.forget(["a"])

    assert record(journal, seen("up", 4, **cooling), seen("", 6), seen("up", 7, **cooling)) == 0
    assert bodies(journal) == [("up", 5)]


def test_a_forgotten_level_begins_its_hold_anew(journal):
    """And what is told late is no start."""
    held = seen("down", hold_s=0.2)
    record(journal, held)
    journal.forget(["a"])

    assert record(journal, seen("down", 9, past=True)) == 0
    assert record(journal, held) == 0
    assert eventually(lambda: record(journal, held), within_s=10, every_s=0.03) == 1
