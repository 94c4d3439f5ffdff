from __future__ import annotations

import time
from itertools import pairwise

import pytest

from cache import Put, Value
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

SUBSETS = ("l1", "l1 l2", "l1 l3", "l1 l2 l3", "l3", "l2 l3", "l2")


@pytest.fixture(params=SUBSETS)
def cache(request, make):
    """The same behaviour is wanted of every subset of tiers."""
    return make(request.param)


@pytest.fixture
def keys(chain):
    """One key of each kind, the deepest last."""
    return [kind.key(name="BTC/USDT:USDT") for kind in chain]


def test_what_was_put_is_read(cache, keys):
    """A value comes back with its times, fresh."""
    result = cache.put(keys[0], {"a": [1, 2.5, None], "b": b"x" * 5000}, as_of=5.0)

    entry = cache.get(keys[0])

    assert entry.value == {"a": (1, 2.5, None), "b": b"x" * 5000}
    assert (entry.as_of, entry.state, entry.version) == (5.0, "fresh", result.version)
    assert result.stored


def test_what_was_not_put_is_not_read(cache, keys):
    """A cold key is None, and missing from a batch."""
    cache.put(keys[1], 1)

    found = cache.get_many(keys)

    assert cache.get(keys[0]) is None
    assert list(found) == [keys[1]]


def test_a_batch_is_stored_and_read_whole(cache, chain):
    """700 entries of 2 KB go in and come out in one call each."""
    wanted = {chain[0].key(name=f"s{i}"): {"i": i, "body": bytes(2000)} for i in range(700)}

    results = cache.put_many([Put(key, value) for key, value in wanted.items()])
    found = cache.get_many(wanted)

    assert all(result.stored for result in results)
    assert {key: entry.value for key, entry in found.items()} == wanted


def test_an_entry_turns_stale_and_then_goes(cache, keys, clock):
    """Fresh for its lifetime, stale while usable, then gone."""
    cache.put(keys[0], 1)

    clock.move(61)
    stale = cache.get(keys[0])
    clock.move(600)

    assert stale.state == "stale"
    assert cache.get(keys[0]) is None


def test_max_age_makes_an_older_entry_stale(cache, keys, clock):
    """A reader that wants it younger is told that it is not."""
    cache.put(keys[0], 1, as_of=clock() - 10)

    assert cache.get(keys[0], max_age=30).state == "fresh"
    assert cache.get(keys[0], max_age=5).state == "stale"


def test_expiry_reaches_everything_derived(cache, keys):
    """Four kinds deep, all turn stale at once, and a stranger does not."""
    stranger = keys[0].kind.key(name="ETH/USDT:USDT")
    cache.put_many([Put(stranger, 0), Put(keys[0], 0)])
    for parent, child in pairwise(keys):
        cache.derive(child, [parent], lambda inputs, parent=parent: inputs[parent].value + 1)

    touched = cache.expire(keys[0])

    assert set(touched) == set(keys)
    assert {cache.get(key).state for key in keys} == {"stale"}
    assert [cache.get(key).value for key in keys] == [0, 1, 2, 3]
    assert cache.get(stranger).state == "fresh"


def test_removal_takes_everything_derived_along(cache, keys):
    """Nothing of the chain is left."""
    cache.put(keys[0], 0)
    for parent, child in pairwise(keys):
        cache.derive(child, [parent], lambda _: 1)

    cache.remove(keys[0])

    assert cache.get_many(keys) == {}


def test_a_new_value_after_an_expiry_is_fresh(cache, keys):
    """Expiring does not outlaw the key."""
    cache.put(keys[0], 1)
    cache.expire(keys[0])

    cache.put(keys[0], 2, token=cache.token())

    assert (cache.get(keys[0]).value, cache.get(keys[0]).state) == (2, "fresh")


def test_a_derived_entry_is_never_fresh_for_longer_than_an_input(cache, keys, clock):
    """The shortest of its inputs' lives bounds it."""
    cache.put(keys[0], 1)
    clock.move(50)

    derived = cache.derive(keys[1], [keys[0]], lambda _: 2)

    assert derived.fresh_until == cache.get(keys[0]).fresh_until
    assert derived.fresh_for == pytest.approx(10, abs=1)


def test_a_value_from_before_an_expiry_is_born_stale(cache, keys):
    """Inputs read, then expired, then the result written: it is not fresh."""
    cache.put(keys[0], 1)
    token, entry = cache.token(), cache.get(keys[0])
    cache.expire(keys[0])

    result = cache.put(keys[1], 2, inputs=(entry,), token=token)

    assert result.born_stale
    found = cache.get(keys[1])
    assert found is None or found.state == "stale"


def test_a_source_value_from_before_its_own_expiry_is_born_stale(cache, keys):
    """The token fences the key itself."""
    token = cache.token()
    cache.put(keys[0], 1)
    cache.expire(keys[0])

    result = cache.put(keys[0], 2, token=token)

    assert result.born_stale
    assert cache.get(keys[0]).state == "stale"


def test_a_value_from_before_a_removal_is_not_stored(cache, keys):
    """Gone stays gone."""
    cache.put(keys[0], 1)
    token = cache.token()
    cache.remove(keys[0])

    result = cache.put(keys[0], 2, token=token)

    assert result.born_stale
    assert cache.get(keys[0]) is None


def test_a_batch_is_derived_with_what_there_is(cache, chain):
    """A missing input is None; a key left out is not stored; the oldest input's time is inherited."""
    sources = [chain[0].key(name=name) for name in "abc"]
    cache.put_many([Put(sources[0], 1, as_of=10.0), Put(sources[1], 2, as_of=20.0)])
    derived = {chain[1].key(name=name): source for name, source in zip("abc", sources, strict=True)}

    def compute(batch):
        values = {key: inputs[derived[key]] for key, inputs in batch.items()}
        return {key: Value(entry.value * 10) for key, entry in values.items() if entry is not None}

    entries = cache.derive_many(list(derived), lambda key: [derived[key]], compute)

    assert {key.name: (entry.value, entry.as_of) for key, entry in entries.items()} == {
        "a": (10, 10.0),
        "b": (20, 20.0),
    }


def test_a_cold_key_is_computed_once_and_then_read(cache, keys):
    """The second call finds the first one's value (unless there is no tier that could hold it)."""
    calls = []

    first = cache.get_or_compute(keys[0], lambda: calls.append(1) or "v")
    second = cache.get_or_compute(keys[0], lambda: calls.append(1) or "w")

    assert (first.value, second.value, len(calls)) == ("v", "v", 1)


def test_a_failed_computation_is_raised_and_leaves_the_key_free(cache, keys):
    """The next one may try."""
    with pytest.raises(ZeroDivisionError):
        cache.get_or_compute(keys[0], lambda: 1 / 0)

    assert cache.get_or_compute(keys[0], lambda: 1).value == 1


def test_any_symbol_is_a_key(cache, chain):
    """Spaces, separators, control characters, 300 characters, and other scripts."""
    names = ["a b", "a|b", "a%7Cb", "a\nb", "ü" * 300, "比特币/USDT", "", "\x00", "🚀"]
    keys = {chain[0].key(name=name): name for name in names}

    cache.put_many([Put(key, name) for key, name in keys.items()])

    assert {key: entry.value for key, entry in cache.get_many(keys).items()} == keys


def test_changes_are_told_to_subscribers(cache, keys):
    """A write and an expiry, with their keys and reasons, of the kinds asked for."""
    told = []
    cache.subscribe(told.append, kinds=[keys[0].kind])
    if cache.health()["coherence"] == "unproved" and cache.health()["l3"] == "up":
        eventually(lambda: cache.health()["coherence"] == "proved", within_s=3)

    cache.put(keys[0], 1)
    cache.put(keys[1], 1)
    cache.expire(keys[0])

    changes = eventually(lambda: len(told) == 2 and told, within_s=2)
    assert [(change.keys, change.reason) for change in changes] == [
        ((keys[0],), "put"),
        ((keys[0],), "expire"),
    ]


def test_a_lock_is_held_by_one(cache):
    """Until it is released."""
    first = cache.lock("run", 10)
    second = cache.lock("run", 10)
    first.release()
    third = cache.lock("run", 10)

    assert [first.held or True, second.held, third.held] == [True, False, True]
    third.release()


def test_a_claim_is_the_first_ones(cache):
    """Until its time is over; a lock of the same name is something else."""
    assert [cache.claim("run", 0.3), cache.claim("run", 10), cache.claim("other", 10)] == [True, False, True]
    with cache.lock("run", 10) as lock:
        assert lock.held
    assert eventually(lambda: cache.claim("run", 10), within_s=2)


def test_a_lock_outlives_its_life_in_redis_while_its_holder_lives(make, monkeypatch):
    """The heartbeat lengthens it, up to the time it was taken for."""
    monkeypatch.setattr("cache.tiered.RUN_LOCK_LIFE_S", 0.5)
    one, other = make("l3"), make("l3")
    long, short = one.lock("long", 30), one.lock("short", 1.0)
    redis, base = one._engine.far.quick, one._engine.far.base
    started = time.monotonic()

    eventually(lambda: other.lock("short", 30).held, within_s=4)

    assert time.monotonic() - started > 0.8
    assert long.held
    assert not other.lock("long", 30).held
    assert 0 < redis.pttl(f"{base}:lease:lock:long") <= 500
    assert not short.known or one._engine.leases.any_beating


def test_a_lock_of_a_process_that_has_died_is_free_soon(make, monkeypatch):
    """Nobody lengthens it any more."""
    monkeypatch.setattr("cache.tiered.RUN_LOCK_LIFE_S", 0.5)
    one, other = make("l3"), make("l3")
    one.lock("run", 300)
    one.close()

    assert not other.lock("run", 300).held
    eventually(lambda: other.lock("run", 300).held, within_s=2)


def test_nothing_is_kept_without_any_tier(make, keys):
    """Reads miss, writes say that no tier is there, computing still works."""
    cache = make("")

    result = cache.put(keys[0], 1)

    assert result.tiers == {"l1": "absent", "l2": "absent", "l3": "absent"}
    assert cache.get(keys[0]) is None
    assert cache.get_or_compute(keys[0], lambda: 7).value == 7
    assert cache.expire(keys[0]) == (keys[0],)
