"""Claims about the statistics of all processes, gathered in Redis."""

from __future__ import annotations

import os
import threading

import pytest

from cache import TieredCache, census
from cache.totals import ALIVE_S
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


def put(cache, kind, *names: str):
    """Write one value under each name."""
    for name in names:
        cache.put(kind.key(name=name), {"of": name})


def read(cache, kind, *names: str, times=1):
    """Read each name so many times."""
    for _ in range(times):
        for name in names:
            cache.get(kind.key(name=name))


def report(*caches: TieredCache):
    """Have each process report now, and not only within its five seconds."""
    assert all(cache._engine.census.report() for cache in caches)


def label(cache):
    """The name under which an answer shows this cache."""
    one = cache._engine.census.own()
    return f"{one['role']}@{one['host']}:{one['pid']}"


def test_one_answer_covers_all_processes(make, chain):
    """Whoever is asked: counters are summed, and each process is there under its readable name."""
    source, *_ = chain
    web, scorer = make(name="web"), make(name="scorer")
    put(scorer, source, "a", "b")
    read(web, source, "a", "b", "nothing", times=3)
    report(web, scorer)

    answers = [one.stats_everywhere() for one in (web, scorer)]

    for answer in answers:
        assert answer["complete"]
        assert answer["processes"].keys() == {label(web), label(scorer)}
        assert answer["processes"][label(web)]["pid"] == os.getpid()
        kind = answer["kinds"]["source"]
        assert (kind["puts"], kind["misses"]) == (2, 3)
        assert kind["l1_hits"] + kind["l2_hits"] + kind["l3_hits"] == 6
        assert answer["roles"]["scorer"]["puts"] == 2
        assert answer["roles"]["web"]["puts"] == 0
        assert answer["hit_rates"]["any"] == pytest.approx(6 / 9, abs=0.001)
        assert answer["total"]["puts"] == 2


def test_a_process_registers_by_itself(make, chain):
    """Nobody has to ask it: its background thread reports."""
    web, other = make(name="web"), make(name="stream")
    read(web, chain[0], "a")

    eventually(lambda: label(web) in other.stats_everywhere()["processes"], within_s=3)


def test_who_read_what_whom_wrote(make, chain):
    """Reads in L2 or L3 are counted by the process that wrote; those in L1 are nobody else's business."""
    source, middle, *_ = chain
    fetcher, scorer, web = make("l1 l3", name="fetcher"), make("l1 l3", name="scorer"), make(name="web")
    put(fetcher, source, "a", "b")
    read(scorer, source, "a", "b")
    put(scorer, middle, "a")
    read(web, middle, "a")
    read(web, source, "b")
    report(fetcher, scorer, web)

    matrix = web.stats_everywhere()["read_from"]

    assert matrix == {
        label(fetcher): {label(scorer): {"source": 2}, label(web): {"source": 1}},
        label(scorer): {label(web): {"middle": 1}},
    }


def test_what_comes_out_of_memcached_is_known_by_its_writer_too(make, chain):
    """The envelope carries the number through every tier."""
    source, *_ = chain
    writer, reader = make.proved(name="fetcher"), make.proved(name="web")
    put(writer, source, "a")
    read(reader, source, "a")
    report(writer, reader)

    answer = reader.stats_everywhere()

    assert answer["read_from"][label(writer)] == {label(reader): {"source": 1}}
    assert (answer["kinds"]["source"]["l2_hits"], answer["kinds"]["source"]["l3_hits"]) == (1, 0)
    assert answer["kinds"]["source"]["l2_bytes_read"] > 0
    assert answer["kinds"]["source"]["l2_bytes_written"] > 0
    assert answer["kinds"]["source"]["l3_bytes_written"] > 0


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


def test_a_report_is_one_round_trip(make, chain, monkeypatch):
    """However much there is to tell."""
    cache = make("l1 l3", name="web")
    put(cache, chain[0], *map(str, range(500)))
    read(cache, chain[0], *map(str, range(500)))
    report(cache)
    sent = []
    here = threading.get_ident()

    def ask(_client, *command: object):
        # The keeper's thread goes on asking for itself.
        sent.append((threading.get_ident(), command[0]))
        return []

    monkeypatch.setattr("cache.tiers.scripts.ask", ask)

    cache._engine.census.report()

    assert [word for thread, word in sent if thread == here] == ["EVALSHA"]


def test_without_redis_the_answer_is_this_processes_own(make, chain):
    """It says so, and costs nothing."""
    alone = make("l1", name="web")
    put(alone, chain[0], "a")
    read(alone, chain[0], "a")

    answer = alone.stats_everywhere()

    assert not answer["complete"]
    assert answer["kinds"]["source"]["l1_hits"] == 1
    assert not alone._engine.census.report()


def test_a_dead_redis_costs_nothing_and_raises_nothing(make_breakable, own_redis, chain):
    """Reports and questions go nowhere, at once; with Redis back the sums are whole."""
    source, *_ = chain
    cache = make_breakable("l1 l3")
    put(cache, source, "a")
    own_redis.kill()
    eventually(lambda: cache.get(source.key(name="x")) is None and cache.health()["l3"] == "down", within_s=2)
    put(cache, source, "b")

    answer = cache.stats_everywhere()

    assert not answer["complete"]
    assert answer["kinds"]["source"]["puts"] == 2
    assert cache.warm() == 0
    assert cache.ageing([source]) == []
    own_redis.restart()
    eventually(lambda: cache.stats_everywhere()["complete"], within_s=5)
    assert cache.stats_everywhere()["kinds"]["source"]["puts"] == 2


def test_one_without_a_name_is_counted_nowhere_and_sees_all(make, chain):
    """An operator's look does not become a process of the system."""
    web, looker = make("l1 l3", name="web"), make("l1 l3", name=None)
    put(web, chain[0], "a")
    report(web)

    answer = looker.stats_everywhere()

    assert list(answer["processes"]) == [label(web)]
    assert not looker._engine.census.report()
    assert looker.health()["l3"] == "up"
    looker.close()
    assert web.stats_everywhere()["ended"] == 0


def test_a_forked_child_is_a_process_of_its_own(make, chain):
    """It reports under its own process id and number, and not again what its parent counted."""
    source, *_ = chain
    parent, other = make("l1 l3", name="scorer"), make("l1 l3", name="web")
    put(parent, source, "a", "b")
    report(parent)
    child = os.fork()
    if child == 0:
        try:
            put(parent, source, "c")
            report(parent)
        finally:
            os._exit(0)
    os.waitpid(child, 0)

    answer = other.stats_everywhere()

    pids = {one["pid"] for one in answer["processes"].values() if one["role"] == "scorer"}
    assert pids == {os.getpid(), child}
    assert answer["kinds"]["source"]["puts"] == 3
