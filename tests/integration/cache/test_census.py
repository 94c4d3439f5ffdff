"""Claims about the statistics of all processes, gathered in Redis."""

from __future__ import annotations

import os
import threading

import pytest

from tests.support.counted import label, put, read, report
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


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

    eventually(lambda: label(web) in other.stats_everywhere()["processes"], within_s=8)


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
    eventually(lambda: cache.get(source.key(name="x")) is None and cache.health()["l3"] == "down", within_s=8)
    put(cache, source, "b")

    answer = cache.stats_everywhere()

    assert not answer["complete"]
    assert answer["kinds"]["source"]["puts"] == 2
    assert cache.warm() == 0
    assert cache.ageing([source]) == []
    own_redis.restart()
    eventually(lambda: cache.stats_everywhere()["complete"], within_s=8)
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
