"""Claims about a process that starts and loads what others of its role read most."""

from __future__ import annotations

import time

import pytest

from cache import tiered, warming
from tests.support.counted import listed, put, read, report

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("quiet")]


def test_a_new_process_warms_what_others_of_its_role_read_most(make, chain):
    """And nothing of another role's; its first read is then answered by its own memory."""
    source, middle, *_ = chain
    web, scorer = make.proved(name="web"), make.proved(name="scorer")
    put(scorer, source, "a", "b", "c")
    put(scorer, middle, "a")
    read(web, middle, "a", times=3)
    read(web, source, "a", times=2)
    read(scorer, source, "b", "c", times=9)
    web.close()
    report(scorer)
    newcomer = make(name="web")

    loaded = newcomer.warm()

    assert loaded == 2
    held = newcomer._engine.tiers.memory
    assert {text for text in ("middle|a", "source|a", "source|b", "source|c") if held.peek(text)} == {
        "middle|a",
        "source|a",
    }
    before = newcomer.stats()["kinds"]["middle"]["l1_hits"]
    assert newcomer.get(middle.key(name="a")).value == {"of": "a"}
    assert newcomer.stats()["kinds"]["middle"]["l1_hits"] == before + 1


def test_warming_is_not_using(make, chain):
    """Else what nobody reads would be loaded again by every process that starts."""
    source, *_ = chain
    web = make.proved(name="web")
    put(web, source, "a")
    read(web, source, "a", times=3)
    web.close()
    newcomer = make(name="web")

    assert newcomer.warm() == 1
    assert newcomer.warm([source.key(name="a")]) == 1
    report(newcomer)

    assert listed(newcomer, "web") == {"source|a": 3}


def test_warming_stops_at_its_number_and_at_its_time(make, chain, monkeypatch):
    """A long list must not keep a process from getting ready."""
    monkeypatch.setattr(warming, "BATCH", 2)
    source, *_ = chain
    web = make.proved("l1 l3", name="web")
    names = [f"n{number}" for number in range(8)]
    put(web, source, *names)
    read(web, source, *names)
    web.close()
    newcomer = make("l1 l3", name="web")
    ticks = iter(range(100))
    newcomer._warmer._monotonic = lambda: next(ticks)
    wanted = newcomer._warmer.wanted()

    loaded = newcomer._warmer.load(wanted, newcomer.get_many, within_s=2.5)

    assert len(wanted) == 8
    assert loaded == 4
    assert len(newcomer._warmer.wanted(most=3)) == 3


def test_without_redis_a_process_just_starts(make_breakable, own_redis, chain, monkeypatch):
    """Nothing is listed, and nobody waits for a proof that cannot come."""
    monkeypatch.setattr(tiered, "WARM_PATIENCE_S", 60.0)
    own_redis.kill()
    cache = make_breakable(name="web")
    began = time.monotonic()

    assert cache.warm() == 0
    assert cache.warm([chain[0].key(name="a")]) == 0

    assert time.monotonic() - began < 10


def test_without_a_list_nothing_is_warmed(make):
    """No role has used anything yet, or there is no Redis, or no memory to load into."""
    for tiers in ("l1 l3", "l1", "l3"):
        assert make(tiers, name="web").warm() == 0
