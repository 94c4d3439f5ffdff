from __future__ import annotations

import os
import time

import pytest
from pymemcache.client.base import Client

from cache import Catalogue, Put, TieredCache, make_tiers
from tests.support import servers
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("patient")]


@pytest.fixture(params=["killed", "frozen"])
def broken(request, make_breakable, chain):
    """A cache of all tiers with an entry, whose Memcached has just been killed or frozen."""
    cache = make_breakable.proved()
    cache.put(chain[0].key(name="a"), 1)
    if request.param == "killed":
        make_breakable.memcached.kill()
    else:
        make_breakable.memcached.freeze()
    return cache


@pytest.mark.parametrize("patient", [1.0], indirect=True)
def test_the_first_call_costs_the_budget_and_the_next_nothing(patient, broken, chain):
    """Once: neither for each key nor for each part of it."""
    started = time.monotonic()
    broken.get(chain[0].key(name="cold"))
    first_s = time.monotonic() - started
    started = time.monotonic()
    for i in range(20):
        broken.get(chain[0].key(name=f"cold{i}"))

    assert first_s < 2 * patient
    assert time.monotonic() - started < patient


def test_every_call_works_without_it(broken, chain):
    """Reads, writes, derivations and invalidations go through Redis."""
    key, child = chain[0].key(name="a"), chain[1].key(name="a")

    assert broken.get(key).value == 1
    assert broken.put(key, 2).tiers == {"l1": "stored", "l2": "failed", "l3": "stored"}
    assert broken.derive(child, [key], lambda _: 3).value == 3
    assert broken.get_or_compute(chain[2].key(name="a"), lambda: 4).value == 4
    assert set(broken.get_many([key, child])) == {key, child}
    assert set(broken.expire(key)) == {key, child}
    assert broken.get(child).state == "stale"
    assert set(broken.remove(key)) == {key, child}
    assert broken.get_many([key, child]) == {}
    assert broken.health()["l2"] == "down"
    assert broken.lock("x", 1).held


def test_what_it_missed_is_not_served_after_it_came_back(make_breakable, chain):
    """v2 may have reached it while it was frozen, v3 has not: neither v1 nor v2 is seen again."""
    cache = make_breakable.proved("l2 l3")
    key = chain[0].key(name="a")
    cache.put(key, "v1")

    make_breakable.memcached.freeze()
    for version in ("v2", "v3"):
        cache.put(key, version)
    make_breakable.memcached.thaw()
    eventually(lambda: cache.health()["l2"] == "up", within_s=10)
    stranger = make_breakable("l2 l3")

    # The stranger first: who knows better would put it right for him.
    assert stranger.get(key).value == "v3"
    assert cache.get(key).value == "v3"
    assert stranger.stats()["generation"] == cache.stats()["generation"]


def test_other_processes_follow_the_generation(make_breakable, chain):
    """They hear the number and read under it."""
    one, other = make_breakable.proved("l2 l3"), make_breakable.proved("l2 l3")
    before = other.stats()["generation"]

    make_breakable.memcached.kill()
    one.put(chain[0].key(name="a"), 1)
    make_breakable.memcached.restart()

    eventually(lambda: one.stats()["generation"] == other.stats()["generation"] != before, within_s=10)
    assert other.get(chain[0].key(name="a")).value == 1


def test_without_redis_what_it_missed_is_forgotten(make_breakable, chain):
    """There is no generation to raise; the keys that were missed are deleted, or written late after all."""
    cache = make_breakable("l2")
    key = chain[0].key(name="a")
    cache.put(key, "v1")

    make_breakable.memcached.freeze()
    cache.put(key, "v2")
    make_breakable.memcached.thaw()
    eventually(lambda: cache.health()["l2"] == "up", within_s=10)

    found = cache.get(key)
    assert found is None or found.value == "v2"


def test_a_lost_server_costs_its_share_only(clock, chain):
    """Of two servers one dies: about half of the keys go on in the other."""
    with servers.memcached_server() as first, servers.memcached_server() as second:
        cache = TieredCache(
            tiers=make_tiers(
                clock=clock, memcached_servers=(first.address, second.address), memory_entries=0
            ),
            clock=clock,
            catalogue=Catalogue(chain),
        )
        keys = [chain[0].key(name=f"k{i}") for i in range(200)]
        cache.put_many([Put(key, 1) for key in keys])
        assert len(cache.get_many(keys)) == 200

        first.kill()
        cache.get_many(keys)
        left = cache.get_many(keys)

        assert 40 < len(left) < 160
        assert cache.health()["l2"] == "degraded"
        assert cache.put(next(iter(left)), 2).tiers["l2"] == "stored"
        cache.close()


def test_a_value_too_large_for_it_is_skipped_and_counted(make, chain):
    """Redis holds it, and Memcached does not go on serving the one before."""
    cache = make.proved("l2 l3")
    key = chain[0].key(name="a")
    cache.put(key, "small")

    result = cache.put(key, os.urandom(2_000_000))

    assert result.tiers == {"l1": "absent", "l2": "skipped", "l3": "stored"}
    assert cache._engine.tiers.near.fetch([key.text], cache.stats()["generation"]) == {}
    assert len(cache.get(key).value) == 2_000_000
    assert cache.stats()["kinds"]["source"]["skipped_too_large"] == 1


def test_a_server_that_lies_is_not_believed(make, chain, shared_memcached):
    """Bytes under our key that are no envelope are a miss."""
    cache = make.proved("l2 l3")
    key = chain[0].key(name="a")
    cache.put(key, 1)
    wire_key = cache._engine.tiers.near.wire_key(key.text, cache.stats()["generation"])
    client = Client(shared_memcached.address, default_noreply=False)
    assert client.set(wire_key, b"\xa7garbage")
    client.close()

    assert cache.get(key).value == 1
