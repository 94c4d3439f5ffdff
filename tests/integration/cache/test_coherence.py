from __future__ import annotations

import multiprocessing
import os
import threading
import time

import pytest
import redis

from cache import Catalogue, Kind, Put, TieredCache, make_tiers
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


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
        eventually(lambda i=i: other.get(key).value == i, within_s=1)
        one.expire(key)
        started = time.monotonic()
        eventually(lambda: other.get(key).state == "stale", within_s=1, every_s=0)
        waits.append(time.monotonic() - started)

    assert sorted(waits)[15] < 0.005


def test_a_write_is_seen_by_another(two, chain):
    """L1 does not keep the value before."""
    one, other = two
    key = chain[0].key(name="a")
    one.put(key, 1)
    assert other.get(key).value == 1

    one.put(key, 2)

    eventually(lambda: other.get(key).value == 2, within_s=1)


def test_a_lost_message_is_noticed_and_l1_abandoned(two, chain):
    """The version has a gap: the fence that was missed is fetched."""
    one, other = two
    key, stranger = chain[0].key(name="a"), chain[0].key(name="b")
    one.put(key, 1)
    other.get(key)
    eventually(lambda: other.get(key).tier == "l1", within_s=1)
    deaf, listener = threading.Event(), other._engine._listener
    hear, listener._hear = listener._hear, lambda body: None if deaf.is_set() else hear(body)

    deaf.set()
    one.expire(key)
    time.sleep(0.05)  # the message passes by
    assert other.get(key).state == "fresh"
    deaf.clear()
    one.put(stranger, 1)

    eventually(lambda: other.get(key).state == "stale", within_s=1)
    assert listener.gaps == 1


def test_a_canary_alone_betrays_a_lost_message(two, chain):
    """Even when nobody writes any more, within a second."""
    one, other = two
    key = chain[0].key(name="a")
    one.put(key, 1)
    other.get(key)
    listener = other._engine._listener
    hear, lost = listener._hear, []
    listener._hear = lambda body: hear(body) if lost or b"expire" not in body else lost.append(body)

    one.expire(key)

    eventually(lambda: other.get(key).state == "stale", within_s=1.5)


def test_a_cut_connection_abandons_l1_at_once(two, chain):
    """What changed while it was cut is right afterwards."""
    one, other = two
    keys = [chain[0].key(name=f"k{i}") for i in range(100)]
    one.put_many([Put(key, 1) for key in keys])
    other.get_many(keys)

    client = one._engine.far.quick
    client.client_kill_filter(_type="pubsub")
    one.put_many([Put(key, 2) for key in keys])

    eventually(lambda: {entry.value for entry in other.get_many(keys).values()} == {2}, within_s=1)
    eventually(lambda: other.health()["coherence"] == "proved", within_s=3)


def test_without_messages_l1_lives_at_most_a_second(make, chain):
    """Pub/sub off: another's writes and expiries are seen after a second at most."""
    one, other = make(listening=False), make(listening=False)
    key, second = chain[0].key(name="a"), chain[0].key(name="b")
    one.put_many([Put(key, 1), Put(second, 1)])
    other.get_many([key, second])

    one.put(key, 2)
    one.expire(second)

    eventually(lambda: other.get(key).value == 2, within_s=1.3)
    eventually(lambda: other.get(second).state == "stale", within_s=1.3)


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
    far.fetch = lambda texts: (fetch(texts), writer.put(key, "new"))[0]

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
    monkeypatch.setattr("cache.tiers.redis.MOST_FENCES", 2)

    late = make()

    assert {entry.state for entry in late.get_many(keys).values()} == {"stale"}


def test_a_redis_with_an_older_memory_is_not_believed(make, chain):
    """Restored from a snapshot, its version runs behind: nothing of it is fresh, nor what it ordered."""
    one, other = make.proved(), make.proved()
    key = chain[0].key(name="a")
    before = one.put(key, 1).version
    one.put(chain[0].key(name="b"), 1)
    far = one._engine.far
    eventually(lambda: one._engine.hub.known > before < other._engine.hub.known, within_s=1)

    far.quick.hset(f"{far.base}:meta", "version", before - 10)

    for reader in (one, other):
        eventually(lambda reader=reader: reader.get(key).state == "stale", within_s=2)
    assert make().get(key).state == "stale"
    assert one.put(key, 2).version > before
    eventually(lambda: other.get(key).value == 2 and other.get(key).state == "fresh", within_s=1)


def _ask_in_threads(cache, key, takes_s, counter):
    """Eight threads want the key; a computation takes some time and counts itself."""

    def compute():
        cache._engine.far.quick.incr(counter)
        time.sleep(takes_s)
        return os.getpid()

    threads = [threading.Thread(target=cache.get_or_compute, args=(key, compute)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _child(url, address, prefix, pipe):
    source = Kind("source", ("name",), ttl=60)
    cache = TieredCache(
        tiers=make_tiers(clock=time.time, redis_url=url, memcached_servers=(address,), prefix=prefix),
        catalogue=Catalogue((source,)),
    )
    for command, name, value in iter(pipe.recv, None):
        key = source.key(name=name)
        if command == "get":
            entry = cache.get(key)
            pipe.send(entry and (entry.value, entry.state))
        elif command == "put":
            cache.put(key, value)
            pipe.send(True)
        elif command == "expire":
            pipe.send(bool(cache.expire(key)))
        elif command == "compute":
            _ask_in_threads(cache, key, value, f"{prefix}-computed")
            pipe.send((cache.get(key).value, cache.get(key).state))
    cache.close()


@pytest.fixture
def children(make):
    """Processes that do as they are told through pipes."""
    context = multiprocessing.get_context("spawn")
    started = []

    def start():
        mine, theirs = context.Pipe()
        args = (f"{make.redis.url}/0", make.memcached.address, make.prefix, theirs)
        process = context.Process(target=_child, args=args, daemon=True)
        process.start()
        started.append((process, mine))
        return process, mine

    yield start
    for process, pipe in started:
        if process.is_alive():
            pipe.send(None)
            process.join(5)


def ask(pipe, *command: object):
    """One command and its answer."""
    pipe.send((*command, None, None)[:3])
    assert pipe.poll(10), command
    return pipe.recv()


def test_two_processes_agree(children):
    """Writes and expiries of one are what the other reads."""
    (_, one), (_, other) = children(), children()
    assert ask(one, "put", "a", 1)
    assert ask(other, "get", "a") == (1, "fresh")

    ask(one, "expire", "a")
    eventually(lambda: ask(other, "get", "a") == (1, "stale"), within_s=1)
    ask(other, "put", "a", 2)

    eventually(lambda: ask(one, "get", "a") == (2, "fresh"), within_s=1)


def test_processes_and_threads_compute_a_cold_key_once(children, make):
    """Two processes of eight threads, longer than a lease lasts: one computation, one value."""
    (_, one), (_, other) = children(), children()
    ask(one, "get", "x"), ask(other, "get", "x")

    for pipe in (one, other):
        pipe.send(("compute", "cold", 1.2))
    values = {pipe.recv() for pipe in (one, other) if pipe.poll(10)}

    assert len(values) == 1
    assert int(_redis(make).get(f"{make.prefix}-computed")) == 1


def test_a_killed_leader_is_replaced_within_a_second(children, make, chain):
    """Its lease runs out, and the one who waits computes."""
    process, leader = children()
    ask(leader, "get", "x")
    follower = make.proved()
    leader.send(("compute", "cold", 30))
    eventually(lambda: _redis(make).exists(f"{{{make.prefix}}}:lease:flight:source|cold"), within_s=3)

    process.kill()
    started = time.monotonic()
    entry = follower.get_or_compute(chain[0].key(name="cold"), lambda: "mine")

    assert entry.value == "mine"
    assert time.monotonic() - started < 1.1


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_sockets_and_threads_of_its_own(make, chain):
    """It reads, writes and hears on new connections; the parent's go on undisturbed."""
    cache = make.proved()
    key = chain[0].key(name="a")
    cache.put(key, "parent")
    origin = cache._engine.far.origin
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        answer = b"failed"
        try:
            assert cache.get(key).value == "parent"
            assert not [one for one in threading.enumerate() if one is cache._engine._listener]
            eventually(lambda: cache.health()["coherence"] == "proved", within_s=3)
            assert cache._engine.far.origin != origin
            cache.put(key, "child")
            answer = b"passed"
        finally:
            os.write(writing, answer)
            os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reading, 10) == b"passed"
    eventually(lambda: cache.get(key).value == "child", within_s=1)
    assert cache._engine.far.origin == origin


def _redis(make):
    return redis.Redis(port=make.redis.port)
