from __future__ import annotations

from itertools import pairwise

import pytest
from redis.exceptions import RedisError

from cache import Put
from cache.bucket import Flow
from tests.support import redis_servers
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def cluster():
    """A Redis in cluster mode that owns the slots of the prefixes below, and no other."""
    with redis_servers.redis_cluster() as server:
        yield server


@pytest.fixture
def make(make, cluster):
    """Caches whose Redis refuses every key outside the slot of their prefix."""
    cluster.own(make.prefix)
    make.redis = cluster
    return make


@pytest.fixture
def keys(chain):
    """One key of each kind, the deepest last."""
    return [kind.key(name="BTC/USDT:USDT") for kind in chain]


def test_the_server_refuses_every_other_slot(make):
    """Else the tests below would prove nothing."""
    redis = make("l3")._engine.far.quick
    stray = "redis.call('GET', KEYS[1]) return redis.call('GET', '{stray}:a')"

    with pytest.raises(RedisError, match=r"(?i)slot"):
        redis.get("{stray}:a")
    with pytest.raises(RedisError, match=r"(?i)slot|non local"):
        redis.eval(stray, 1, f"{{{make.prefix}}}:a")


def test_batches_are_stored_and_read_whole(make, chain):
    """Small ones and large ones, one step each."""
    one, other = make.proved("l3"), make.proved("l3")
    wanted = {chain[0].key(name=f"symbol {i}/USDT"): i for i in range(300)}

    results = one.put_many([Put(key, value) for key, value in wanted.items()])

    assert {result.tiers["l3"] for result in results} == {"stored"}
    assert {key: entry.value for key, entry in other.get_many(wanted).items()} == wanted


def test_a_cascade_reaches_everything_derived(make, keys):
    """The closure is found and marked in one step."""
    one, other = make.proved(), make.proved()
    one.put(keys[0], 0)
    for parent, child in pairwise(keys):
        one.derive(child, [parent], lambda inputs, parent=parent: inputs[parent].value + 1)

    assert set(other.expire(keys[0])) == set(keys)
    assert {make("l3").get(key).state for key in keys} == {"stale"}
    eventually(lambda: {one.get(key).state for key in keys} == {"stale"}, within_s=10)
    assert set(other.remove(keys[0])) == set(keys)
    assert make("l3").get_many(keys) == {}


def test_a_value_from_before_an_expiry_is_born_stale(make, keys):
    """Fences are kept beside the entries."""
    cache = make.proved("l1 l3")
    cache.put(keys[0], 1)
    token, entry = cache.token(), cache.get(keys[0])
    cache.expire(keys[0])

    assert cache.put(keys[1], 2, inputs=(entry,), token=token).born_stale


def test_messages_reach_other_processes(make, keys):
    """A write, and what it was."""
    one, other, told = make.proved(), make.proved(), []
    other.subscribe(told.append)

    one.put(keys[0], 1)

    change = eventually(lambda: told and told[0], within_s=10)
    assert (change.keys, change.reason) == ((keys[0],), "put")


def test_locks_claims_and_flights_work(make, keys):
    """Leases are taken, lengthened and given back."""
    one, other = make.proved("l3"), make.proved("l3")

    with one.lock("run", 10) as lock:
        assert (lock.held, lock.known, other.lock("run", 10).held) == (True, True, False)
    assert [one.claim("turn", 10), other.claim("turn", 10)] == [True, False]
    assert one.get_or_compute(keys[0], lambda: 7).value == other.get_or_compute(keys[0], lambda: 8).value == 7


def test_buckets_work(make):
    """A bucket's turns, window and processes are kept beside each other."""
    flow = Flow(per_second=1.0, burst=1.0, requests=5, window_s=5.0, trial_s=30.0)
    one, other = make("l3").bucket("x"), make("l3").bucket("x")

    assert [bucket.take(flow, 1.0, patience_s=9).state for bucket in (one, other)] == ["go", "wait"]


def test_every_key_of_a_deployment_is_in_one_slot(make, keys):
    """So are those of one symbol; another deployment may have another slot."""
    cache = make.proved()
    cache.put(keys[0], 1)
    cache.derive(keys[1], [keys[0]], lambda _: 2)
    cache.expire(keys[0])
    cache.remove(keys[0])
    cache.put(keys[0], 1)
    with cache.lock("run", 10):
        redis = cache._engine.far.quick
        names = list(redis.scan_iter(match=f"*{make.prefix}*"))

    assert len(names) > 4
    slots = {redis.execute_command("CLUSTER KEYSLOT", name) for name in names}
    assert slots == {redis.execute_command("CLUSTER KEYSLOT", f"{{{make.prefix}}}")}
    assert slots != {redis.execute_command("CLUSTER KEYSLOT", "{another}")}
