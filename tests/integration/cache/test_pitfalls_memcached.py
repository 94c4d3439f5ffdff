"""A test for each trap of pymemcache 4.0; a flapping server among several is in test_several_memcached.py."""

from __future__ import annotations

import os
import socket
import threading
import time

import pytest
from pymemcache.client.base import Client
from pymemcache.client.hash import HashClient

from cache import Put
from cache.tiers.base import Sealed
from cache.tiers.memcached import LONGEST_LIFE_S, MemcachedTier
from cache.tiers.memcached_node import BUDGET_S, Busy, Pool
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

NOISE_S = 0.1
DAY_S = 86_400


@pytest.fixture
def tier(own_memcached):
    """L2 alone, on a server that this test may break."""
    made = MemcachedTier(servers=(own_memcached.address,), prefix="t", clock=time.time)
    yield made
    made.close()


@pytest.fixture
def patient(monkeypatch):
    """A machine that is busy for 50 ms shall not change the answers."""
    monkeypatch.setattr("cache.tiers.memcached_node.BUDGET_S", 1.0)


def put(tier, text, body, life_s=60.0):
    """What became of one entry."""
    return tier.store([Sealed(text, body, time.time() + life_s)], 1, fill=False)[text]


def body_of(tier, text):
    """What Memcached holds for it, or None."""
    return tier.fetch([text], 1).get(text)


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
    started = time.monotonic()
    for _ in range(50):
        calls[call]()

    assert first_s < BUDGET_S + NOISE_S
    assert (time.monotonic() - started) / 50 < 0.005


def test_no_delay_is_set_on_the_very_socket(tier):
    """Without it small writes wait up to 40 ms for an acknowledgement."""
    client = client_of(tier)

    assert client.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    client.close()


@pytest.mark.usefixtures("patient")
def test_noreply_a_refused_value_is_not_reported_as_stored(tier, monkeypatch):
    """2 MB: the server says no, we hear it, and the value before does not stay in its place."""
    monkeypatch.setattr("cache.tiers.memcached.MOST_BYTES", 8_000_000)
    assert put(tier, "a", b"small") == "stored"

    outcome = put(tier, "a", os.urandom(2_000_000))

    assert outcome == "failed"
    assert body_of(tier, "a") is None
    assert put(tier, "a", b"again") == "stored"
    assert tier.nodes[0].breaker.openings == 0


@pytest.mark.usefixtures("patient")
def test_noreply_a_refused_value_spoils_nothing_else_of_its_batch(tier, monkeypatch):
    """Its neighbours are stored, and each gets its own answer."""
    monkeypatch.setattr("cache.tiers.memcached.MOST_BYTES", 8_000_000)
    bodies = {"a": b"1", "b": os.urandom(2_000_000), "c": b"3"}
    until = time.time() + 60

    outcomes = tier.store([Sealed(text, body, until) for text, body in bodies.items()], 1, fill=False)

    assert outcomes == {"a": "stored", "b": "failed", "c": "stored"}
    assert tier.fetch(["a", "b", "c"], 1) == {"a": b"1", "c": b"3"}


def test_whole_seconds_the_envelope_decides_when_an_entry_ends(make, clock, chain):
    """Memcached still holds what has ended by our own time, and it is neither fresh nor served."""
    cache = make("l2")
    key = chain[0].key(name="a")
    cache.put(key, 1)

    clock.move(55)
    first = cache.get(key).state
    clock.move(6)
    second = cache.get(key).state
    clock.move(600)

    assert (first, second, cache.get(key)) == ("fresh", "stale", None)
    assert cache._engine.tiers.near.fetch([key.text], cache.stats()["generation"])


@pytest.mark.usefixtures("patient")
def test_whole_seconds_a_life_of_less_is_not_taken_for_endless(tier):
    """Rounded down to 0 it would never end."""
    put(tier, "a", b"1", life_s=0.2)

    eventually(lambda: body_of(tier, "a") is None, within_s=4)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("life_s", [30 * DAY_S - 1, 30 * DAY_S + 1, 400 * DAY_S])
def test_thirty_days_a_longer_life_is_not_taken_for_a_date(tier, life_s):
    """It would be one in January 1970, and the entry gone at once."""
    put(tier, "a", b"1", life_s=life_s)

    assert body_of(tier, "a") == b"1"
    assert LONGEST_LIFE_S == 30 * DAY_S


def test_hash_client_is_what_keeps_a_server_dead_and_we_do_not_use_it(tier, own_memcached, monkeypatch):
    """After an outage of 4 s it was unusable for over 75 s: here it is used again within 2 s."""
    monkeypatch.setattr(HashClient, "__init__", _forbidden)
    breaker = tier.nodes[0].breaker
    breaker.probe = tier.nodes[0].answers
    own_memcached.kill()
    body_of(tier, "a")
    asked, probe = [], breaker.probe
    breaker.probe = lambda: (asked.append(1), probe())[1]
    eventually(lambda: breaker.try_probe() or len(asked) >= 6, within_s=10)

    own_memcached.restart()
    eventually(lambda: breaker.closed or breaker.try_probe(), within_s=2)

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


@pytest.mark.usefixtures("patient")
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


NASTY = (
    "a b",
    "a\nb",
    "a\r\nflush_all\r\n",
    "\x00",
    "\x7f",
    "ü" * 126,
    "x" * 240,
    "x" * 251,
    "比特币/USDT",
    "",
)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("text", NASTY)
def test_keys_of_any_length_and_letters_are_carried(tier, text):
    """250 bytes, no spaces, no control characters: nothing of a key can become a command."""
    wire_key = tier.wire_key(text, 1)

    assert put(tier, "witness", b"here") == put(tier, text, b"1") == "stored"

    assert len(wire_key) <= 250
    assert not any(byte <= 0x20 or byte == 0x7F for byte in wire_key)
    assert (body_of(tier, text), body_of(tier, "witness")) == (b"1", b"here")


def test_keys_are_as_long_as_their_bytes_and_not_their_letters(tier):
    """The library's own check would come too late: it raises."""
    assert len("ü" * 126) < 250 < len(("ü" * 126).encode())
    assert tier.wire_key("ü" * 126, 1).rpartition(b":")[2].startswith(b"#")


def test_keys_that_are_hashed_are_compared_with_the_original(make, chain, monkeypatch):
    """Two that fell on one hash: one gets its value, the other a miss, never the wrong one."""
    cache = make("l2")
    one, other = chain[0].key(name="a b"), chain[0].key(name="c d")
    monkeypatch.setattr("cache.tiers.memcached.hashlib.blake2b", lambda *_args, **_options: _OneHash())
    cache.put(one, 1)

    assert cache.get(other) is None
    assert cache.get(one).value == 1


VALUES = (
    b"",
    b"\r\n",
    b"END\r\n",
    b"VALUE t:1:a 0 5\r\nhello\r\nEND\r\n",
    b"\r\nERROR\r\n",
    bytes(range(256)) * 900,
)


@pytest.mark.usefixtures("patient")
def test_the_parser_takes_a_value_for_nothing_but_a_value(tier):
    """Ours reads whole batches; lengths decide where a value ends, and not what is in it."""
    bodies = {f"k{i}": body for i, body in enumerate(VALUES * 40)}
    until = time.time() + 60
    tier.store([Sealed(text, body, until) for text, body in bodies.items()], 1, fill=False)

    assert tier.fetch([*bodies, "absent"], 1) == bodies


@pytest.mark.usefixtures("patient")
def test_the_parser_of_the_library_is_not_in_the_way(tier, monkeypatch):
    """It took nine tenths of the time of a batch."""
    for name in ("get", "get_many", "get_multi", "gets_many", "_extract_value"):
        monkeypatch.setattr(Client, name, _forbidden)
    put(tier, "a", b"1")

    assert tier.fetch(["a", "b"], 1) == {"a": b"1"}


def _forbidden(*_args: object, **_options: object):
    raise AssertionError("not to be used")


class _Idle:
    """A connection that does nothing."""

    def close(self):
        """Nothing to close."""


class _OneHash:
    """A hash on which everything falls."""

    def hexdigest(self):
        """The same for all."""
        return "0" * 48

    def digest(self):
        """The same for all."""
        return b"0" * 8
