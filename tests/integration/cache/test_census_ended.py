"""Claims about the statistics of processes that ended: they count on, and are forgotten one by one."""

from __future__ import annotations

import pytest

from cache import census
from cache.totals import ALIVE_S
from tests.support.counted import label, put, read, report

pytestmark = pytest.mark.integration


def test_what_a_process_did_outlives_it(make, chain):
    """It is no longer among the processes, and its counters are still in the sums."""
    source, *_ = chain
    first, second = make(name="web"), make(name="web")
    put(first, source, "a", "b", "c")
    first.close()

    answer = second.stats_everywhere()

    assert answer["ended"] == 1
    assert len(answer["processes"]) == 1
    assert answer["kinds"]["source"]["puts"] == 3


def test_a_process_that_fell_silent_is_no_longer_shown(make, chain, clock):
    """It was killed and could not say goodbye; what it had reported still counts."""
    source, *_ = chain
    killed, other = make(name="web"), make(name="stream")
    put(killed, source, "a")
    report(killed, other)
    assert len(other.stats_everywhere()["processes"]) == 2
    killed._engine._keeper.close()

    clock.move(ALIVE_S + 1)

    answer = other.stats_everywhere()
    assert list(answer["processes"]) == [label(other)]
    assert (answer["ended"], answer["kinds"]["source"]["puts"]) == (1, 1)


def test_processes_long_gone_become_part_of_their_roles_sums(make, chain, clock):
    """Nothing is lost by it, and Redis does not remember each process for ever."""
    source, *_ = chain
    here = make("l1 l3", name="stream")
    for _ in range(3):
        one = make("l1 l3", name="web")
        put(one, source, "a")
        one.close()
    clock.move(census.LONG_GONE_S + 60)
    report(here)

    answer = here.stats_everywhere()

    assert here._engine.far.quick.hlen(f"{here._engine.far.base}:stats:reports") == 1
    assert answer["ended"] == 3
    assert answer["roles"]["web"]["puts"] == answer["kinds"]["source"]["puts"] == 3


def test_whom_nobody_remembers_a_reader_forgets_as_well(make, chain, clock):
    """Its table of writers does not grow for as long as it lives; the reads are still counted."""
    source, *_ = chain
    writer, reader = make("l1 l3", name="fetcher"), make("l1 l3", name="web")
    put(writer, source, "a", "b")
    number = writer._engine.hub.writer
    read(reader, source, "a", "b")
    writer.close()
    report(reader)
    assert reader.stats()["read_from"] == {"source": {number: 2}}

    clock.move(census.LONG_GONE_S + 60)
    report(reader)

    assert reader.stats()["read_from"] == {"source": {0: 2}}
    assert reader.stats_everywhere()["read_from"] == {"unknown": {label(reader): {"source": 2}}}


def test_so_many_processes_are_remembered_and_no_more(make, chain, monkeypatch):
    """The oldest reports are summed up first, whatever their age."""
    monkeypatch.setattr(census, "MOST_PROCESSES", 4)
    for _ in range(8):
        one = make("l1 l3", name="web")
        put(one, chain[0], "a")
        one.close()
    here = make("l1 l3", name="stream")
    here.get(chain[0].key(name="a"))
    report(here)

    far = here._engine.far

    assert far.quick.hlen(f"{far.base}:stats:reports") <= 5
    assert far.quick.zcard(f"{far.base}:stats:seen") <= 5
    assert here.stats_everywhere()["kinds"]["source"]["puts"] == 8


def test_all_of_it_expires_when_nobody_reports_any_more(make, chain):
    """A system that was taken down leaves nothing in Redis for ever."""
    cache = make("l1 l3", name="web")
    put(cache, chain[0], "a")
    read(cache, chain[0], "a")
    report(cache)

    far = cache._engine.far

    keys = [key for part in ("stats", "hits") for key in far.quick.keys(f"{far.base}:{part}:*")]
    assert len(keys) >= 4
    assert all(0 < far.quick.ttl(key) <= census.KEPT_S for key in keys)
