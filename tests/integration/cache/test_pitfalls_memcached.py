"""A test for each trap of pymemcache 4.0's connections; a flapping server is in test_several_memcached.py."""

from __future__ import annotations

import os
import socket
import threading
import time

import pytest
from pymemcache.client.base import Client
from pymemcache.client.hash import HashClient

from cache import Put
from cache.tiers.memcached import MemcachedTier
from cache.tiers.memcached_node import BUDGET_S, Busy, Pool
from tests.support.lone_memcached import body_of, forbidden, put
from tests.support.waiting import at_best, eventually

pytestmark = pytest.mark.integration

NOISE_S = 0.5
PATIENT_S = 1.0  # what patient_memcached gives


def client_of(tier):
    """One connection as the tier makes them, connected."""
    client = tier.nodes[0]._connect()
    client.version()
    return client


def test_the_librarys_defaults_are_still_the_trap():
    """No timeout, Nagle's algorithm, no answers: if this fails, all of these tests want a look."""
    client = Client("127.0.0.1:1")

    assert (client.timeout, client.connect_timeout) == (None, None)
    assert (client.no_delay, client.default_noreply) == (False, True)


def test_no_timeout_by_default_ours_has_one_for_each_step(tier):
    """Connecting and answering."""
    client = tier.nodes[0]._connect()

    assert (client.timeout, client.connect_timeout) == (BUDGET_S, BUDGET_S)


@pytest.mark.usefixtures("patient_memcached")
@pytest.mark.parametrize("call", ["fetch", "store", "drop"])
def test_no_timeout_by_default_a_frozen_server_costs_the_budget_once(tier, own_memcached, call):
    """A call hung for ever."""
    put(tier, "a", b"1")
    calls = {
        "fetch": lambda: tier.fetch(["a"], 1),
        "store": lambda: put(tier, "a", b"2"),
        "drop": lambda: tier.drop(["a"], 1),
    }

    own_memcached.freeze()
    started = time.monotonic()
    calls[call]()
    first_s = time.monotonic() - started

    def more():
        for _ in range(50):
            calls[call]()

    at_best(more, within_s=50 * 0.005)
    assert first_s < 2 * PATIENT_S


def test_no_delay_is_set_on_the_very_socket(tier):
    """Without it small writes wait up to 40 ms for an acknowledgement."""
    client = client_of(tier)

    assert client.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    client.close()


def test_hash_client_is_what_keeps_a_server_dead_and_we_do_not_use_it(tier, own_memcached, monkeypatch):
    """After an outage of 4 s it was unusable for over 75 s: here it is used again at once."""
    monkeypatch.setattr(HashClient, "__init__", forbidden)
    breaker = tier.nodes[0].breaker
    breaker.probe = tier.nodes[0].answers
    own_memcached.kill()
    body_of(tier, "a")
    asked, probe = [], breaker.probe
    breaker.probe = lambda: (asked.append(1), probe())[1]
    eventually(lambda: breaker.try_probe() or len(asked) >= 6, within_s=10)

    own_memcached.restart()
    eventually(lambda: breaker.closed or breaker.try_probe(), within_s=8)

    assert put(tier, "a", b"1") == "stored"


def test_a_full_pool_waits_instead_of_raising():
    """Being busy is not being down."""
    pool = Pool(_Idle, 1)
    first = pool.take(1)
    threading.Timer(0.1, pool.give, [first]).start()

    assert pool.take(5) is first


def test_a_full_pool_gives_up_when_the_time_is_over():
    """The wait belongs to the budget."""
    pool = Pool(_Idle, 1)
    pool.take(1)
    started = time.monotonic()

    with pytest.raises(Busy):
        pool.take(0.05)

    assert 0.04 < time.monotonic() - started < 0.05 + NOISE_S


@pytest.mark.usefixtures("patient_memcached")
def test_a_full_pool_does_not_open_the_breaker(own_memcached, monkeypatch):
    """Sixteen threads on two connections: every answer is right, and nothing was held to be down."""
    monkeypatch.setattr("cache.tiers.memcached_node.CONNECTIONS", 2)
    tier = MemcachedTier(servers=(own_memcached.address,), prefix="t", clock=time.time)
    put(tier, "a", b"x" * 100_000)
    wrong = []

    def ask():
        wrong.extend(1 for _ in range(30) if body_of(tier, "a") != b"x" * 100_000)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert tier.nodes[0].breaker.openings == 0
    tier.close()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_no_fork_guard_parent_and_child_never_read_each_others_answers(make, chain):
    """Both ask at once, on sockets of their own; with one in common they would get each other's bytes."""
    cache = make.proved("l2 l3")
    mine, theirs = ([chain[0].key(name=f"{who}{i}") for i in range(20)] for who in ("parent", "child"))
    cache.put_many([Put(key, key.name) for key in (*mine, *theirs)])
    cache.get_many(mine)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if _reads_right(cache, theirs) else 2
        finally:
            os._exit(code)

    right = _reads_right(cache, mine)
    _, status = os.waitpid(child, 0)

    assert right
    assert os.waitstatus_to_exitcode(status) == 0


def _reads_right(cache, keys):
    return all(
        {key: (entry.value, entry.tier) for key, entry in cache.get_many(keys).items()}
        == {key: (key.name, "l2") for key in keys}
        for _ in range(100)
    )


class _Idle:
    """A connection that does nothing."""

    def close(self):
        """Nothing to close."""
