"""Claims about journals while Redis is away, frozen, lost, full or in one slot, and among many processes."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from cache import Observation
from tests.support import redis_servers
from tests.support.recorders import JOURNAL, NAMES
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("patient")]

ROOT = Path(__file__).parents[3]
PROCESSES, MARKS = 4, 5


def seen(level="", mark=0.0, *, name="a"):
    """An observation; its body says at which mark it was made."""
    return Observation(name, level, {"mark": mark} if level else None, mark=mark)


def marks(journal):
    """At which marks something was written down, oldest first."""
    return [entry.body["mark"] for entry in reversed(journal.recent(1000))]


def wait_for(cache, state):
    """Return when the cache has noticed how Redis is."""
    eventually(lambda: cache.health()["l3"] == state, within_s=10)


def test_without_redis_nothing_is_recorded_and_everybody_says_so(make):
    """A cache of memory alone has no journal to write in."""
    journal = make("l1").journal("none")

    assert journal.record([seen("up", 1)]) is None
    assert journal.recent(10) is None
    assert journal.acknowledge("1") is None


def test_what_redis_did_not_hear_is_recorded_when_it_is_back(make_breakable, own_redis):
    """With its memory: a frozen server does late what it found in its socket, and nothing twice."""
    cache = make_breakable("l3")
    journal = cache.journal("alerts")
    journal.record([seen("", 1)])

    own_redis.freeze()
    assert journal.record([seen("up", 2)]) is None
    assert [journal.record([seen("up", 2)]), journal.recent(1), journal.acknowledge("1")] == [None] * 3
    own_redis.thaw()
    wait_for(cache, "up")

    for _ in "twice":
        assert journal.record([seen("up", 2), seen("up", 3)]) is not None
    assert marks(journal) == [2]


def test_a_redis_that_comes_back_empty_raises_nothing(make_breakable, own_redis):
    """What was going on when its memory was lost is where everything starts from."""
    cache = make_breakable("l3")
    journal = cache.journal("alerts")
    before = journal.record([seen("", 1), seen("up", 2)])

    own_redis.kill()
    assert journal.record([seen("", 3)]) is None
    own_redis.restart()
    wait_for(cache, "up")

    after = journal.record([seen("up", 4)])
    assert (after.added, after.begun != before.begun, marks(journal)) == ((), True, [])
    assert journal.acknowledge(before.added[0]).at is None
    journal.record([seen("", 5), seen("up", 6)])
    assert marks(journal) == [6]
    assert journal.recent(1)[0].id > before.added[0]


@pytest.mark.parametrize("part", ["states", "seen", "order", "entries"])
def test_whatever_is_evicted_raises_nothing_and_breaks_nothing(make, part):
    """Each of the four keys may go alone, where Redis evicts what has no lifetime."""
    cache = make("l3")
    journal = cache.journal("alerts")
    journal.record([seen("", 1), seen("up", 2)])
    old = journal.recent(1)[0].id

    cache._engine.far.quick.delete(getattr(journal, f"_{part}"))

    assert journal.record([seen("up", 3)]).added == ()
    journal.acknowledge(old)
    journal.record([seen("", 4), seen("up", 5)])
    assert marks(journal)[-1] == 5
    assert journal.recent(1)[0].id > old


def test_an_eviction_by_age_meets_the_journal_last(make):
    """Each recording touches all four keys, also those that it does not change."""
    cache = make("l3")
    journal, redis = cache.journal("alerts"), cache._engine.far.quick
    journal.record([seen("", 1), seen("up", 2)])
    keys = [journal._states, journal._seen, journal._order, journal._entries]
    eventually(lambda: all(redis.object("idletime", key) >= 2 for key in keys), within_s=10, every_s=0.1)

    journal.record([seen("up", 3)])

    assert max(redis.object("idletime", key) for key in keys) < 2


def test_a_full_redis_postpones_and_records_when_there_is_room(make_breakable):
    """All of a call or nothing of it, and nobody takes a full server for one that is down."""
    cache = make_breakable("l3")
    journal, redis = cache.journal("alerts"), cache._engine.far.quick
    journal.record([seen("", 1)])

    redis.config_set("maxmemory", 1)
    assert journal.record([seen("up", 2)]) is None
    assert cache.health()["l3"] == "up"
    redis.config_set("maxmemory", 0)

    assert len(journal.record([seen("up", 2)]).added) == 1


def test_a_journal_lies_in_the_slot_of_its_deployment(make):
    """A node that owns that slot alone refuses anything else."""
    with redis_servers.redis_cluster() as cluster:
        cluster.own(make.prefix)
        make.redis = cluster
        cache = make("l3")
        journal = cache.journal("alerts")

        journal.record([seen("", 1), seen("up", 2)])

        (entry,) = journal.recent(10)
        assert journal.acknowledge(entry.id).now
        cache.close()


def test_processes_that_see_the_same_write_it_down_once(make):
    """Four of them, five hundred crossings, all at once: none is lost, none is doubled."""
    journal = make("l3").journal(JOURNAL)
    journal.record([seen(name=name) for name in NAMES])
    command = [sys.executable, "-m", "tests.support.recorders", f"{make.redis.url}/0", make.prefix]

    subprocess.run([*command, str(PROCESSES), str(MARKS)], cwd=ROOT, check=True, timeout=100)

    counted = Counter((entry.body["name"], entry.body["mark"]) for entry in journal.recent(5000))
    assert counted == {(name, mark): 1 for name in NAMES for mark in range(1, MARKS + 1)}
