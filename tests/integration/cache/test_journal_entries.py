"""Claims about what a journal keeps: entries with ids and times, how many, for how long, and acknowledged."""

from __future__ import annotations

from itertools import count

import pytest

from cache import Acknowledged, Journal
from tests.support.observed import bodies, record, redis_now, seen
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

LONG_S = 3600.0


@pytest.fixture
def cache(make):
    """One process's cache, with Redis alone."""
    return make("l3")


@pytest.fixture
def journal(cache):
    """A journal of this test's own."""
    return cache.journal("test")


def test_a_long_batch_is_recorded_whole(journal):
    """In parts that Redis does quickly; the newest entries are read in parts, too."""
    names = [f"symbol {number}/USDT" for number in range(250)]
    record(journal, *(seen("", 1, name=name) for name in names))

    recorded = journal.record([seen("up", 2, name=name) for name in names])

    assert len(set(recorded.added)) == 250
    assert recorded.newest == recorded.added[-1] == journal.recent(1)[0].id
    assert [entry.id for entry in journal.recent(1000)] == list(reversed(recorded.added))


def test_ids_rise_and_times_are_those_of_redis(journal):
    """Whatever clocks the processes have."""
    record(journal, seen("", 1))
    before = redis_now(journal)
    for mark in range(2, 12):
        record(journal, seen("up" if mark % 2 else "down", mark))
    after = redis_now(journal)

    entries = list(reversed(journal.recent(100)))

    assert [int(entry.id) for entry in entries] == sorted({int(entry.id) for entry in entries})
    assert all(before - 0.002 <= entry.at <= after for entry in entries)


def test_the_newest_are_kept_and_the_oldest_go(cache):
    """By their number."""
    journal = Journal("bounded", cache._engine.far, most_entries=3)
    record(journal, seen("", 1))
    for mark in range(2, 9):
        record(journal, seen("up" if mark % 2 else "down", mark))

    assert [mark for _, mark in bodies(journal)] == [6, 7, 8]
    assert cache._engine.far.quick.hlen(journal._entries) == 3


def test_what_is_old_goes_with_the_states_that_nobody_observes(cache):
    """By the clock of Redis; what is observed stays."""
    journal = Journal("brief", cache._engine.far, kept_s=0.2)
    record(journal, seen("", 1), seen("", 1, name="left alone"), seen("up", 2))
    redis, marks = cache._engine.far.quick, count(3)

    def gone():
        record(journal, seen("up", next(marks)))
        return not journal.recent(10) and not redis.hexists(journal._states, "left alone")

    eventually(gone, within_s=8, every_s=0.03)
    assert redis.hexists(journal._states, "a")
    assert redis.zcard(journal._seen) == 1


def test_an_acknowledgement_counts_once(journal):
    """The first time; whoever says it again is told when that was."""
    record(journal, seen("", 1), seen("up", 2))
    (entry,) = journal.recent(10)

    first, again = journal.acknowledge(entry.id), journal.acknowledge(entry.id)

    assert (first.now, again.now, again.at) == (True, False, first.at)
    assert journal.recent(10)[0].acknowledged_at == first.at >= entry.at
    assert entry.acknowledged_at is None


@pytest.mark.parametrize("entry_id", ["1", "", "no id", "\ud800", "²", "1" * 400])
def test_what_is_no_entry_cannot_be_acknowledged(journal, entry_id):
    """Nor does asking for it break anything."""
    assert journal.acknowledge(entry_id) == Acknowledged(None)
    assert journal.recent(1) == []


def test_a_recorded_level_does_not_undo_an_acknowledgement(journal):
    """Entries and states are kept apart."""
    record(journal, seen("", 1), seen("up", 2))
    journal.acknowledge(journal.recent(1)[0].id)

    record(journal, seen("", 3), seen("up", 4, cooldown_s=LONG_S))

    assert [entry.acknowledged_at is None for entry in journal.recent(10)] == [False]


def test_losing_its_memory_is_a_new_beginning(journal, cache):
    """Nothing is raised by it, and whoever remembers what he had recorded is told."""
    before = journal.record([seen("", 1), seen("up", 2)])
    for key in cache._engine.far.quick.scan_iter(match=f"*{journal._states[:-6]}*"):
        cache._engine.far.quick.delete(key)

    after = journal.record([seen("up", 3)])

    assert (after.added, after.newest) == ((), "")
    assert after.begun != before.begun
    assert record(journal, seen("", 4), seen("up", 5)) == 1
