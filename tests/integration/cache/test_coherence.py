from __future__ import annotations

import threading
import time

import pytest

from cache import Put
from cache.hub import UNPROVED_LIFE_S
from cache.keeper import CANARY_S
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

# A message takes less than a millisecond, a canary almost half a second; the rest is for a busy machine.
MILLISECONDS_S = 0.05


@pytest.fixture
def two(make):
    """Two processes' worth of cache, both proved."""
    return make.proved(), make.proved()


def test_an_expiry_is_seen_by_another_within_milliseconds(two, chain):
    """From its L1, without being asked."""
    one, other = two
    key = chain[0].key(name="a")
    waits = []
    for i in range(30):
        one.put(key, i)
        eventually(lambda i=i: other.get(key).value == i, within_s=10)
        one.expire(key)
        started = time.monotonic()
        eventually(lambda: other.get(key).state == "stale", within_s=10, every_s=0)
        waits.append(time.monotonic() - started)

    assert sorted(waits)[15] < MILLISECONDS_S


def test_a_write_is_seen_by_another(two, chain):
    """L1 does not keep the value before."""
    one, other = two
    key = chain[0].key(name="a")
    one.put(key, 1)
    assert other.get(key).value == 1

    one.put(key, 2)

    eventually(lambda: other.get(key).value == 2, within_s=10)


def test_a_lost_message_is_noticed_and_l1_abandoned(two, chain):
    """The version has a gap: the fence that was missed is fetched."""
    one, other = two
    key, stranger = chain[0].key(name="a"), chain[0].key(name="b")
    one.put(key, 1)
    other.get(key)
    eventually(lambda: other.get(key).tier == "l1", within_s=10)
    deaf, listener, missed = threading.Event(), other._engine._listener, []
    hear, listener._hear = listener._hear, lambda body: missed.append(body) if deaf.is_set() else hear(body)

    deaf.set()
    one.expire(key)
    eventually(lambda: any(b"expire" in body for body in missed), within_s=10)
    assert other.get(key).state == "fresh"
    deaf.clear()
    one.put(stranger, 1)

    eventually(lambda: other.get(key).state == "stale", within_s=10)
    assert listener.gaps == 1


def test_a_canary_alone_betrays_a_lost_message(two, chain):
    """Even when nobody writes any more, within a second: one of two canaries may be lost as well."""
    one, other = two
    key = chain[0].key(name="a")
    one.put(key, 1)
    other.get(key)
    listener = other._engine._listener
    hear, lost = listener._hear, []
    listener._hear = lambda body: hear(body) if lost or b"expire" not in body else lost.append(body)

    one.expire(key)

    assert 2 * CANARY_S < 1.0
    eventually(lambda: other.get(key).state == "stale", within_s=10)


def test_a_cut_connection_abandons_l1_at_once(two, chain):
    """What changed while it was cut is right afterwards."""
    one, other = two
    keys = [chain[0].key(name=f"k{i}") for i in range(100)]
    one.put_many([Put(key, 1) for key in keys])
    other.get_many(keys)

    client = one._engine.far.quick
    client.client_kill_filter(_type="pubsub")
    one.put_many([Put(key, 2) for key in keys])

    eventually(lambda: {entry.value for entry in other.get_many(keys).values()} == {2}, within_s=10)
    eventually(lambda: other.health()["coherence"] == "proved", within_s=10)


def test_without_messages_l1_lives_at_most_a_second(make, clock, chain):
    """Pub/sub off: another's writes and expiries are seen after a second at most."""
    one, other = make(listening=False), make(listening=False)
    key, second = chain[0].key(name="a"), chain[0].key(name="b")
    one.put_many([Put(key, 1), Put(second, 1)])
    other.get_many([key, second])

    one.put(key, 2)
    one.expire(second)
    clock.move(UNPROVED_LIFE_S)

    assert UNPROVED_LIFE_S == 1.0
    assert (other.get(key).value, other.get(second).state) == (2, "stale")


def test_a_process_that_starts_later_knows_the_fences(make, chain):
    """It does not take Memcached's copy for fresh."""
    one = make.proved()
    key = chain[0].key(name="a")
    one.put(key, 1)
    one.expire(key)

    late = make()

    assert late.get(key).state == "stale"


def test_promotion_keeps_the_remaining_life(make, clock, chain):
    """At 85 % of its life an entry moves nearer, and dies when it would have."""
    one = make.proved("l3")
    key = chain[0].key(name="a")
    one.put(key, 1)
    clock.move(51)

    reader = make.proved("l1 l2 l3")
    first = reader.get(key)
    second, third = reader.get(key), make("l2 l3").get(key)

    assert (first.tier, second.tier, third.tier) == ("l3", "l1", "l2")
    assert first.fresh_until == second.fresh_until == third.fresh_until
    clock.move(9.5)
    assert reader.get(key).state == "stale"


def test_a_fill_does_not_bury_a_newer_value(make, chain):
    """Read from Redis, then written anew by another, then promoted: Memcached keeps the new one."""
    writer, reader = make.proved(), make.proved("l2 l3")
    key = chain[0].key(name="a")
    writer.put(key, "old")
    writer._engine.tiers.near.drop([key.text], writer.stats()["generation"])
    far = reader._engine.far
    fetch = far.fetch
    far.fetch = lambda texts, **how: (fetch(texts, **how), writer.put(key, "new"))[0]

    assert reader.get(key).value == "old"

    body = writer._engine.tiers.near.fetch([key.text], writer.stats()["generation"])[key.text]
    assert b"new" in body


def test_fences_that_were_too_many_to_fetch_are_not_forgotten(make, chain, monkeypatch):
    """A process that starts later doubts Memcached's copy of what it was not told of."""
    one = make.proved()
    keys = [chain[0].key(name=f"k{i}") for i in range(6)]
    one.put_many([Put(key, 1) for key in keys])
    for key in keys:
        one.expire(key)
    monkeypatch.setattr("cache.tiers.forms.MOST_FENCES", 2)

    late = make()

    assert {entry.state for entry in late.get_many(keys).values()} == {"stale"}


def test_a_redis_with_an_older_memory_is_not_believed(make, chain):
    """Restored from a snapshot, its version runs behind: nothing of it is fresh, nor what it ordered."""
    one, other = make.proved(), make.proved()
    key = chain[0].key(name="a")
    before = one.put(key, 1).version
    one.put(chain[0].key(name="b"), 1)
    far = one._engine.far
    eventually(lambda: one._engine.hub.known > before < other._engine.hub.known, within_s=10)

    far.quick.hset(f"{far.base}:meta", "version", before - 10)

    for reader in (one, other):
        eventually(lambda reader=reader: reader.get(key).state == "stale", within_s=10)
    assert make().get(key).state == "stale"
    assert one.put(key, 2).version > before
    eventually(lambda: other.get(key).value == 2 and other.get(key).state == "fresh", within_s=10)
