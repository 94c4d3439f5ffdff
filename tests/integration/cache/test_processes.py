from __future__ import annotations

import multiprocessing
import os
import threading
import time

import pytest
import redis

from cache import Catalogue, Kind, TieredCache, make_tiers
from cache.tiers import memcached_node
from cache.tiers import redis as redis_tier
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

# What a busy machine may add to a second; who waits for the leader itself waits for half a minute.
NOISE_S = 5.0


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
    be_patient()
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


def be_patient():
    """A machine that is busy for 50 ms shall not change the answers of a process that was started anew."""
    redis_tier.BUDGET_S = memcached_node.BUDGET_S = 0.5


def ask(pipe, *command: object):
    """One command and its answer."""
    pipe.send((*command, None, None)[:3])
    assert pipe.poll(60), command
    return pipe.recv()


def test_two_processes_agree(children):
    """Writes and expiries of one are what the other reads."""
    (_, one), (_, other) = children(), children()
    assert ask(one, "put", "a", 1)
    assert ask(other, "get", "a") == (1, "fresh")

    ask(one, "expire", "a")
    eventually(lambda: ask(other, "get", "a") == (1, "stale"), within_s=10)
    ask(other, "put", "a", 2)

    eventually(lambda: ask(one, "get", "a") == (2, "fresh"), within_s=10)


def test_processes_and_threads_compute_a_cold_key_once(children, make):
    """Two processes of eight threads, longer than a lease lasts: one computation, one value."""
    (_, one), (_, other) = children(), children()
    ask(one, "get", "x"), ask(other, "get", "x")

    for pipe in (one, other):
        pipe.send(("compute", "cold", 1.2))
    values = {pipe.recv() for pipe in (one, other) if pipe.poll(60)}

    assert len(values) == 1
    assert int(_redis(make).get(f"{make.prefix}-computed")) == 1


def test_a_killed_leader_is_replaced_within_a_second(children, make, chain):
    """Its lease lasts no longer, and the one who waits computes when it has run out."""
    process, leader = children()
    ask(leader, "get", "x")
    follower = make.proved()
    leader.send(("compute", "cold", 30))
    lease = f"{{{make.prefix}}}:lease:flight:source|cold"
    eventually(lambda: _redis(make).exists(lease), within_s=30)

    process.kill()
    process.join()
    assert _redis(make).pttl(lease) < 1000
    started = time.monotonic()
    entry = follower.get_or_compute(chain[0].key(name="cold"), lambda: "mine")

    assert entry.value == "mine"
    assert time.monotonic() - started < 1.0 + NOISE_S


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
            eventually(lambda: cache.health()["coherence"] == "proved", within_s=10)
            assert cache._engine.far.origin != origin
            cache.put(key, "child")
            answer = b"passed"
        finally:
            os.write(writing, answer)
            os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reading, 10) == b"passed"
    eventually(lambda: cache.get(key).value == "child", within_s=10)
    assert cache._engine.far.origin == origin


def _redis(make):
    return redis.Redis(port=make.redis.port)
