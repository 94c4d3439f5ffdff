from __future__ import annotations

import time
from collections import Counter

import pytest

from cache import Put
from cache.tiers.wire import BatchClient
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("patient")]


@pytest.fixture
def trips(monkeypatch):
    """Counts what goes over the wire, by operation."""
    counted = Counter()

    def counting(owner, name, label):
        original = getattr(owner, name)

        def call(*args: object, **kwargs: object):
            counted[label] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, call)

    for name in ("fetch_batch", "store_batch", "drop_batch"):
        counting(BatchClient, name, f"l2 {name}")
    return counted


def commands(cache):
    """How often Redis has served each command that moves entries."""
    stats = cache._engine.far.quick.info("commandstats")
    return Counter(
        {name: stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("mget", "get", "set", "publish")}
    )


def test_a_batch_from_three_tiers_takes_one_trip_to_each(make, chain, trips):
    """A third in each: one read of Memcached, one of Redis, one promotion."""
    writer, reader = make.proved(), make.proved()
    keys = [chain[0].key(name=f"k{i}") for i in range(198)]
    writer.put_many([Put(key, 1) for key in keys])
    near, generation = writer._engine.tiers.near, writer.stats()["generation"]
    near.drop([key.text for key in keys[132:]], generation)
    reader.get_many(keys[:66])
    trips.clear()
    before = commands(writer)

    found = reader.get_many(keys)

    assert Counter(entry.tier for entry in found.values()) == {"l1": 66, "l2": 66, "l3": 66}
    assert trips == {"l2 fetch_batch": 1, "l2 store_batch": 1}
    assert (commands(writer) - before)["mget"] == 1
    assert len(near.fetch([key.text for key in keys], generation)) == 198


def test_a_batch_is_written_in_one_trip_to_each_with_one_message(make, chain, trips):
    """200 entries: one Lua call, one batch to Memcached, one announcement for all."""
    writer, other = make.proved(), make.proved()
    told = []
    other.subscribe(told.append)
    trips.clear()

    writer.put_many([Put(chain[0].key(name=f"k{i}"), 1) for i in range(200)])

    eventually(lambda: told, within_s=10)
    assert [len(change.keys) for change in told] == [200]
    assert trips["l2 store_batch"] == 1


def test_versions_and_not_clocks_decide_between_writers(make, chain):
    """A writer whose clock is 20 s behind wins if it comes later, everywhere."""
    right, slow = make.proved(), make(clock=lambda: time.time() - 20)
    key = chain[0].key(name="a")
    right.put(key, "first")

    slow.put(key, "second", as_of=right.get(key).as_of)

    eventually(lambda: right.get(key).value == "second", within_s=10)
    assert make("l3").get(key).value == "second"


def test_an_expiry_while_both_shared_tiers_are_away_holds_when_they_return(make_breakable, chain):
    """It is settled with Redis and with Memcached before either is believed."""
    cache = make_breakable.proved()
    key = chain[0].key(name="a")
    cache.put(key, 1)
    make_breakable.redis.freeze()
    make_breakable.memcached.freeze()
    cache.get_many([chain[0].key(name="x")])

    cache.expire(key)
    make_breakable.memcached.thaw()
    make_breakable.redis.thaw()
    eventually(lambda: set(cache.health().values()) == {"up", "proved"}, within_s=10)

    for reader in (cache, make_breakable(), make_breakable("l2 l3"), make_breakable("l3")):
        entry = reader.get(key)
        assert entry is None or entry.state == "stale"
