from __future__ import annotations

from contextlib import ExitStack

import pytest

from cache import Catalogue, Put, TieredCache, make_tiers
from tests.support import servers
from tests.support.waiting import at_best, eventually

pytestmark = pytest.mark.integration

HOW_MANY = 300
BUDGET_S = 0.3


@pytest.fixture
def three():
    """Three Memcached servers that this test may break."""
    with ExitStack() as stack:
        yield [stack.enter_context(servers.memcached_server()) for _ in range(3)]


@pytest.fixture
def on(clock, chain, monkeypatch, own_redis):
    """Makes caches on these Memcached servers, with Redis behind them or without, and closes them all."""
    # These tests are about answers: a machine that is busy for 50 ms shall not change them.
    for module in ("redis", "memcached_node"):
        monkeypatch.setattr(f"cache.tiers.{module}.BUDGET_S", BUDGET_S)
    made = []

    def start(several, *, redis=False, memory=False):
        tiers = make_tiers(
            clock=clock,
            redis_url=f"{own_redis.url}/0" if redis else None,
            memcached_servers=tuple(one.address for one in several),
            prefix="several",
            memory_entries=20_000 if memory else 0,
        )
        made.append(TieredCache(tiers=tiers, clock=clock, catalogue=Catalogue(chain)))
        return made[-1]

    yield start
    for cache in made:
        cache.close()


@pytest.fixture
def keys(chain):
    """Enough of them for every server to have many."""
    return [chain[0].key(name=f"k{i}") for i in range(HOW_MANY)]


def share(cache, server, keys):
    """Those of the keys that live on this server."""
    near = cache._engine.tiers.near
    return {key for key in keys if near._node(key.text).name == server.address}


def values(cache, keys):
    """What is read, by key."""
    return {key: entry.value for key, entry in cache.get_many(keys).items()}


def freeze(server, cache, keys):
    """Freeze it, and have the cache notice: else what it writes would wait for the server in its socket."""
    server.freeze()
    cache._engine.tiers.near.fetch([key.text for key in keys], 0)
    assert not well(cache)


def well(cache):
    """Whether every server is believed again."""
    return cache.health()["l2"] == "up"


def test_every_server_has_about_its_share(on, three, keys):
    """A third each, give or take."""
    cache = on(three)

    assert all(60 < len(share(cache, server, keys)) < 140 for server in three)


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_a_lost_server_costs_its_share_and_nothing_else(on, three, keys, how):
    """All other keys are read and written as before, at no cost once the server is known to be lost."""
    cache, lost = on(three), three[1]
    cache.put_many([Put(key, 1) for key in keys])
    gone = share(cache, lost, keys)
    others = set(keys) - gone

    lost.kill() if how == "killed" else lost.freeze()
    cache.get_many(keys)
    at_best(lambda: values(cache, keys), within_s=BUDGET_S / 3)
    found = values(cache, keys)
    results = dict(zip(keys, cache.put_many([Put(key, 2) for key in keys]), strict=True))

    assert found == dict.fromkeys(others, 1)
    assert {key for key, result in results.items() if result.tiers["l2"] == "stored"} == others
    assert values(cache, keys) == dict.fromkeys(others, 2)
    assert cache.health()["l2"] == "degraded"


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_redis_serves_the_share_of_a_lost_server(on, three, keys, how):
    """Nothing is missing, and the other servers go on hitting."""
    cache, lost = on(three, redis=True), three[0]
    cache.put_many([Put(key, 1) for key in keys])
    gone = share(cache, lost, keys)

    lost.kill() if how == "killed" else lost.freeze()
    cache.get_many(keys)
    found = cache.get_many(keys)

    assert {key: entry.value for key, entry in found.items()} == dict.fromkeys(keys, 1)
    assert {key for key, entry in found.items() if entry.tier == "l3"} == gone


def test_a_server_that_comes_back_empty_is_used_again(on, three, keys):
    """Within 2 s, and the others' shares were never lost."""
    cache, lost = on(three), three[2]
    cache.put_many([Put(key, 1) for key in keys])
    others = set(keys) - share(cache, lost, keys)

    lost.kill()
    cache.get_many(keys)
    lost.restart()
    eventually(lambda: well(cache), within_s=10)

    assert values(cache, keys) == dict.fromkeys(others, 1)
    cache.put_many([Put(key, 2) for key in keys])
    assert values(cache, keys) == dict.fromkeys(keys, 2)


@pytest.mark.parametrize("memory", [False, True])
def test_a_server_that_comes_back_with_old_values_serves_none_of_them(on, three, keys, memory):
    """Frozen while v2 was written: no process reads its v1, with Redis to ask or after it has gone too."""
    cache, other = (on(three, redis=True, memory=memory) for _ in range(2))
    cache.put_many([Put(key, "v1") for key in keys])
    other.get_many(keys)

    freeze(three[1], cache, keys)
    cache.put_many([Put(key, "v2") for key in keys])
    during = values(cache, keys)
    three[1].thaw()
    eventually(lambda: well(cache) and well(other), within_s=10)
    stranger = on(three, redis=True, memory=memory)

    assert during == dict.fromkeys(keys, "v2")
    for reader in (cache, other, stranger):
        eventually(lambda reader=reader: values(reader, keys) == dict.fromkeys(keys, "v2"), within_s=10)


def test_without_redis_old_values_are_forgotten_and_the_other_shares_stay(on, three, keys):
    """There is no generation to raise: what was missed is deleted, key by key."""
    cache = on(three)
    cache.put_many([Put(key, "v1") for key in keys])
    missed = share(cache, three[1], keys)

    freeze(three[1], cache, keys)
    cache.put_many([Put(key, "v2") for key in keys])
    three[1].thaw()
    eventually(lambda: well(cache), within_s=10)

    assert values(cache, keys) == dict.fromkeys(set(keys) - missed, "v2")


def test_an_expiry_that_a_server_missed_holds_when_it_is_back(on, three, keys):
    """Its copies would be fresh: nobody reads them as such."""
    cache = on(three, redis=True)
    cache.put_many([Put(key, 1) for key in keys])

    freeze(three[0], cache, keys)
    cache.expire(*keys)
    three[0].thaw()
    eventually(lambda: well(cache), within_s=10)

    for reader in (cache, on(three, redis=True)):
        assert {entry.state for entry in reader.get_many(keys).values()} == {"stale"}


def test_one_that_comes_and_goes_never_serves_what_was_replaced(on, three, keys):
    """Five times frozen and thawed while versions are written: what is read never goes back."""
    cache, reader = on(three, redis=True), on(three, redis=True)
    some = sorted(share(cache, three[0], keys), key=str)[:20]

    for version in range(5):
        freeze(three[0], cache, keys)
        cache.put_many([Put(key, version) for key in some])
        three[0].thaw()
        for one in (cache, reader):
            eventually(lambda one=one: well(one), within_s=10)
            eventually(
                lambda one=one, version=version: values(one, some) == dict.fromkeys(some, version), within_s=1
            )
            assert values(one, some) == dict.fromkeys(some, version)


def test_another_server_takes_over_about_its_share_of_the_keys_only(on, three, keys):
    """With a fourth beside three, about three quarters are found where they were."""
    on(three).put_many([Put(key, 1) for key in keys])

    with servers.memcached_server() as fourth:
        cache = on([*three, fourth])
        moved = share(cache, fourth, keys)
        found = values(cache, keys)

    assert found == dict.fromkeys(set(keys) - moved, 1)
    assert 30 < len(moved) < 130


def test_the_order_of_the_servers_does_not_matter(on, three, keys):
    """Two processes may be told of them in another order."""
    on(three).put_many([Put(key, 1) for key in keys])

    assert values(on(three[::-1]), keys) == dict.fromkeys(keys, 1)
