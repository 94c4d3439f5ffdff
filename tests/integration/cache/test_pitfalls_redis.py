"""A test for each trap of redis-py 8.1; the options of a client are in tests/unit/cache/test_connector.py."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from contextlib import contextmanager

import pytest
import redis
from redis.connection import AbstractConnection
from redis.exceptions import RedisError

from cache import Put
from cache.tiers.connections import Connector
from cache.tiers.redis import BUDGET_S, BULK_BUDGET_S
from tests.support.waiting import at_best, eventually

pytestmark = pytest.mark.integration

# What a machine may add to a budget, once in several tries.
NOISE_S = 0.1
CHILD_ENDS_WITHIN_S = 60


def clients(cache):
    """The client of each of its pools, by name."""
    found = vars(cache._engine.far).items()
    return {name.strip("_"): value for name, value in found if isinstance(value, redis.Redis)}


def is_given_up(client, error):
    """One GET that ends with this error."""
    with pytest.raises(error):
        client.get("a")


def test_the_librarys_defaults_are_still_the_trap():
    """Ten retries and 5 s: if this fails, a new redis-py has other defaults, and all of these want a look."""
    connection = redis.Redis().connection_pool.make_connection()

    assert (connection.retry.get_retries(), connection.socket_timeout) == (10, 5)
    assert connection.protocol in {3, "3", None}


@pytest.mark.parametrize("pool", ["quick", "bulk"])
def test_default_timeouts_a_frozen_redis_costs_the_budget_and_no_retry(make_breakable, pool):
    """One GET took 57.8 s with the defaults."""
    cache = make_breakable("l3")
    client = clients(cache)[pool]
    budget_s = client.connection_pool.connection_kwargs["socket_timeout"]
    client.ping()

    make_breakable.redis.freeze()

    assert budget_s == {"quick": BUDGET_S, "bulk": BULK_BUDGET_S}[pool] <= 0.3
    at_best(lambda: is_given_up(client, redis.TimeoutError), within_s=budget_s + NOISE_S)


def test_default_timeouts_a_dead_redis_is_known_at_once(make_breakable):
    """One GET took 3 to 5 s with the defaults, most of it between retries."""
    client = clients(make_breakable("l3"))["quick"]

    make_breakable.redis.kill()

    at_best(lambda: is_given_up(client, redis.ConnectionError), within_s=BUDGET_S + NOISE_S)


def test_default_timeouts_a_frozen_redis_is_given_up_while_connecting_too():
    """A port that takes connections and says nothing: the kernel answers for a frozen server."""
    with socket_that_says_nothing() as port:
        client = Connector(f"redis://:word@127.0.0.1:{port}/0").connect(BUDGET_S)

        at_best(lambda: is_given_up(client, RedisError), within_s=BUDGET_S + NOISE_S)


def test_resp3_every_connection_speaks_the_protocol_that_our_messages_are_read_in(make_breakable):
    """The default is RESP3, on which another library's invalidation broke in silence."""
    cache = make_breakable.proved("l1 l3")
    for client in clients(cache).values():
        client.ping()

    lines = clients(cache)["quick"].client_list()

    assert sum(int(line["sub"]) for line in lines) == 1
    assert {line.get("resp", "2") for line in lines} == {"2"}  # Redis 6.2 does not say


def test_pipelines_a_batch_is_one_command_and_not_a_pipeline_of_them(make, chain, monkeypatch):
    """200 entries go out in one write, and come back by another."""
    cache = make.proved("l3")
    keys = [chain[0].key(name=f"k{i}") for i in range(200)]
    cache.put_many([Put(key, 0) for key in keys])
    sent, me = [], threading.get_ident()
    send = AbstractConnection.send_packed_command

    def counting(self, command, *rest: object, **options: object):
        if threading.get_ident() == me:
            sent.append(b"".join(command)[:40])
        return send(self, command, *rest, **options)

    monkeypatch.setattr(AbstractConnection, "send_packed_command", counting)
    cache.put_many([Put(key, 1) for key in keys])
    written, read = len(sent), len(cache.get_many(keys))

    assert (written, read) == (1, 200)
    assert b"EVALSHA" in sent[0]
    assert len(sent) == 2


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forks_a_child_shares_no_connection_with_its_parent(make_breakable, chain):
    """Pools notice a fork by themselves, a subscription does not: here all are made anew."""
    cache, key = make_breakable.proved("l1 l3"), chain[0].key(name="a")
    cache.put(key, "parent")
    before = addresses(cache)

    def child():
        assert cache.get(key).value == "parent"
        eventually(lambda: cache.health()["coherence"] == "proved", within_s=10)
        assert not addresses(cache) & before
        assert sum(int(line["sub"]) for line in clients(cache)["quick"].client_list()) == 2

    assert ended_well(child)
    assert cache.get(key).value == "parent"
    assert addresses(cache) == before
    assert cache.health()["coherence"] == "proved"


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forks_in_the_middle_of_calls_leave_no_lock_behind(make, chain):
    """A thread may hold any lock at that moment, and does not exist in the child to give it back."""
    cache = make.proved("l1 l2 l3")
    keys = [chain[0].key(name=f"k{i}") for i in range(50)]
    cache.put_many([Put(key, 1) for key in keys])
    done = threading.Event()

    def hammer():
        while not done.is_set():
            cache.put_many([Put(key, 1) for key in keys[:5]])
            cache.get_many([*keys, chain[0].key(name="cold")])

    threads = [threading.Thread(target=hammer) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        assert all(ended_well(lambda: _works(cache, keys)) for _ in range(5))
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert len(cache.get_many(keys)) == 50


def _works(cache, keys):
    assert len(cache.get_many(keys)) == 50
    assert cache.put(keys[0], 2).tiers["l3"] == "stored"
    eventually(lambda: cache.health()["coherence"] == "proved", within_s=10)


def addresses(cache):
    """Our end of the connection that each pool uses, as Redis sees it."""
    return {client.client_info()["addr"] for client in clients(cache).values()}


def ended_well(call):
    """Whether a forked child ran this to its end in time; a child that hangs is killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            call()
            code = 0
        finally:
            os._exit(code)
    deadline = time.monotonic() + CHILD_ENDS_WITHIN_S
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


@contextmanager
def socket_that_says_nothing():
    """A listening port whose connections are never answered."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]
