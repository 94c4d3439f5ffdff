from __future__ import annotations

import select
import socket
import time

import pytest
from redis.exceptions import RedisError

from cache import Put
from cache.tiers.connections import Connector
from tests.support import redis_servers
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

BUDGET_S = 0.5
# A new master is found with the next probe, twice a second; the rest is for a busy machine.
USED_AGAIN_S = 10.0


@pytest.fixture
def trio():
    """A master, its replica and a Sentinel that this test may break."""
    with redis_servers.sentinel_trio() as three:
        yield three


@pytest.fixture
def make(make, trio):
    """Caches that are told of the Sentinel alone."""
    make.redis = trio
    return make


def is_used(cache, key, master):
    """Whether this master stores what is put, and this process hears of its own write."""
    stored = cache.put(key, "again").tiers["l3"] == "stored"
    return stored and cache.health()["coherence"] == "proved" and ports(cache) == {master.port}


def all_stored(results):
    """Whether Redis took every one."""
    return {result.tiers["l3"] for result in results} == {"stored"}


def ports(cache):
    """The ports to which the pools and the subscription of this cache are connected."""
    connections = tuple(cache._engine.far._connector._connections)
    return {one.port for one in connections if one._sock is not None and not closed_by_peer(one._sock)}


def closed_by_peer(sock):
    """Whether the other side has ended this connection, or our side has been cut."""
    readable, _, _ = select.select([sock], [], [], 0)
    try:
        return bool(readable) and sock.recv(1, socket.MSG_PEEK) == b""
    except TimeoutError:
        # Its owner was quicker and has read what there was.
        return False


@pytest.mark.parametrize("how", ["promoted by hand", "killed", "frozen"])
def test_the_cache_is_used_again_soon_after_a_promotion(make, trio, chain, how):
    """Reads, writes of both pools and messages go through the new master, in every process."""
    caches = [make.proved("l1 l3"), make.proved("l1 l3")]
    keys = [chain[0].key(name=f"k{i}") for i in range(100)]
    caches[0].put_many([Put(key, 1) for key in keys])

    if how == "promoted by hand":
        trio.fail_over()
    else:
        trio.master.kill() if how == "killed" else trio.master.freeze()
        caches[0].get(chain[0].key(name="cold"))
        trio.wait_for_promotion()
    for cache in caches:
        eventually(lambda cache=cache: is_used(cache, keys[0], trio.replica), within_s=USED_AGAIN_S)

    # A busy machine may open a breaker once more, for a moment.
    eventually(lambda: all_stored(caches[0].put_many([Put(key, 2) for key in keys])), within_s=10)
    eventually(lambda: {entry.value for entry in caches[1].get_many(keys).values()} == {2}, within_s=10)
    assert ports(caches[0]) == ports(caches[1]) == {trio.replica.port}


def test_an_expiry_that_the_replica_never_got_still_holds(make, trio, chain):
    """The new master's memory is older than what processes have heard: nothing of it is fresh."""
    one, other = make.proved(), make.proved()
    key = chain[0].key(name="a")
    one.put(key, "v1")
    eventually(trio.synced, within_s=10)
    trio.part()
    one.expire(key)
    eventually(lambda: other.get(key).state == "stale", within_s=10)

    trio.master.kill()
    trio.wait_for_promotion()
    for cache in (one, other):
        eventually(lambda cache=cache: cache.health()["l3"] == "up", within_s=USED_AGAIN_S)

    for reader in (one, other, make(), make("l2 l3"), make("l3")):
        entry = reader.get(key)
        assert entry is None or entry.state == "stale"


def test_a_write_that_the_replica_never_got_is_not_undone_as_fresh(make, trio, chain):
    """v1 is in the replica, v2 was acknowledged: nobody reads v1 as fresh again."""
    one = make.proved()
    key = chain[0].key(name="a")
    one.put(key, "v1")
    eventually(trio.synced, within_s=10)
    trio.part()
    one.put(key, "v2")

    trio.master.kill()
    trio.wait_for_promotion()
    eventually(lambda: one.health()["l3"] == "up", within_s=USED_AGAIN_S)

    for reader in (one, make(), make("l2 l3"), make("l3")):
        entry = reader.get(key)
        assert (entry.value, entry.state) != ("v1", "fresh")


def test_a_master_that_thaws_after_its_successor_is_named_gets_no_writes(make, trio, chain):
    """No pool goes on with a connection to it: what it took would be lost."""
    cache = make.proved("l1 l3")
    keys = [chain[0].key(name=f"k{i}") for i in range(100)]
    cache.put_many([Put(key, 1) for key in keys])
    trio.master.freeze()
    cache.get(chain[0].key(name="cold"))
    trio.wait_for_promotion()
    eventually(lambda: is_used(cache, keys[0], trio.replica), within_s=USED_AGAIN_S)

    trio.master.thaw()
    results = [cache.put(keys[0], i).tiers["l3"] for i in range(20)]
    cache.put_many([Put(key, 3) for key in keys])

    assert set(results) == {"stored"}
    with trio.client(trio.replica) as client:
        assert client.exists(f"{{{make.prefix}}}:e:{keys[99].text}")
    assert {entry.value for entry in cache.get_many(keys).values()} == {3}


def test_a_server_that_is_no_master_is_not_used(trio):
    """A Sentinel that is behind the times names a replica: better nothing than its old entries."""
    client = Connector(trio.location()).connect(0.5)
    sentinels = client.connection_pool.sentinel_manager
    sentinels.discover_master = lambda _name: ("127.0.0.1", trio.replica.port)

    with pytest.raises(RedisError, match="no master"):
        client.get("a")


def test_passwords_are_given_to_both():
    """To the servers theirs, to the Sentinels theirs; after a failover as well."""
    with redis_servers.sentinel_trio(password=redis_servers.PASSWORD) as trio:
        client = Connector(trio.location(1)).connect(0.5)
        assert client.set("a", 1)

        trio.fail_over()

        assert eventually(lambda: _answer(lambda: client.set("a", 2)), within_s=USED_AGAIN_S)
        assert client.connection_pool.connection_kwargs["db"] == 1


def test_a_wrong_name_of_the_master_is_said(trio):
    """The name is in the words, so that the fix is clear."""
    client = Connector(trio.url.replace("mymaster", "other") + "/0").connect(0.5)

    with pytest.raises(RedisError, match="no master named other"):
        client.ping()


@pytest.fixture
def one_frozen(trio):
    """Two Sentinels, of which the first is frozen (any server will do for that)."""
    with redis_servers.redis_with_password() as frozen:
        frozen.freeze()
        yield f"redis+sentinel://{frozen.address},{trio.sentinel.address}/{redis_servers.MASTER}/0"


def test_a_frozen_sentinel_costs_its_budget_once(one_frozen):
    """Then another is asked first."""
    client = Connector(one_frozen).connect(BUDGET_S)
    started = time.monotonic()

    with pytest.raises(RedisError, match="no Sentinel names a master"):
        client.ping()
    first_s = time.monotonic() - started

    assert first_s < 2 * BUDGET_S
    assert client.ping()


def test_a_dead_sentinel_is_passed_over(trio):
    """The next one is asked in the same call."""
    with redis_servers.redis_with_password() as dead:
        dead.kill()
        location = f"redis+sentinel://{dead.address},{trio.sentinel.address}/{redis_servers.MASTER}/0"

        assert Connector(location).connect(0.5).ping()


def _answer(call):
    try:
        return call()
    except RedisError:
        return None


@pytest.mark.parametrize("tiers", ["l3", "l2 l3", "l1 l2 l3"])
def test_an_expiry_that_nobody_alive_remembers_holds_as_well(make, trio, chain, tiers):
    """Who expired it has died with the master, and the first who comes raises the version over the gap."""
    one, key = make.proved(), chain[0].key(name="a")
    one.put(key, "v1")
    eventually(trio.synced, within_s=10)
    trio.part()
    one.expire(key)
    one.close()

    trio.master.kill()
    trio.wait_for_promotion()
    first = make(tiers)
    first.put(chain[0].key(name="b"), 1)

    for reader in (first, make(), make("l3")):
        entry = reader.get(key)
        assert entry is None or entry.state == "stale"
    assert first.put(key, "v2").tiers["l3"] == "stored"
    assert make("l3").get(key).state == "fresh"
