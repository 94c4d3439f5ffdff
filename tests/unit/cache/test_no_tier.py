"""A cache without any tier: nothing is kept, and every public method still has an answer."""

from __future__ import annotations

import pytest

from cache import Catalogue, Put, TieredCache, make_tiers

ABSENT = {"l1": "absent", "l2": "absent", "l3": "absent"}


@pytest.fixture
def cache(clock, kinds):
    """A cache of nothing."""
    made = TieredCache(
        tiers=make_tiers(clock=clock, memory_entries=0), clock=clock, catalogue=Catalogue(kinds)
    )
    yield made
    made.close()


@pytest.fixture
def keys(kinds):
    """A key of each kind."""
    return [kind.key(name="a") for kind in kinds]


def test_writes_say_that_nobody_kept_them(cache, keys):
    """Neither stored nor failed; the caller gets its entry all the same."""
    result, (other,) = cache.put(keys[0], 1), cache.put_many([Put(keys[1], 2)])

    assert (result.tiers, other.tiers) == (ABSENT, ABSENT)
    assert (result.stored, result.born_stale, result.entry.value) == (False, False, 1)


def test_reads_miss(cache, keys):
    """Whatever was written."""
    cache.put_many([Put(key, 1) for key in keys])

    assert cache.get(keys[0]) is None
    assert cache.get(keys[0], max_age=60) is None
    assert cache.get_many(keys) == {}
    assert cache.warm(keys) == 0


def test_values_are_computed_each_time(cache, keys):
    """From inputs that are never there; the entry is fresh for who asked for it."""
    derived = cache.derive(keys[1], [keys[0]], lambda inputs: list(inputs.values()))
    several = cache.derive_many(keys[1:], lambda _: [keys[0]], lambda batch: dict.fromkeys(batch, 3))
    computed = [cache.get_or_compute(keys[0], lambda i=i: i).value for i in (7, 8)]

    assert (derived.value, derived.state) == ((None,), "fresh")
    assert {key: entry.value for key, entry in several.items()} == dict.fromkeys(keys[1:], 3)
    assert computed == [7, 8]


def test_invalidations_touch_what_they_are_told(cache, keys):
    """And still fence what is on its way."""
    token = cache.token()

    assert cache.expire(keys[0]) == (keys[0],)
    assert cache.put(keys[0], 1, token=token).born_stale
    assert cache.remove(keys[1]) == (keys[1],)


def test_locks_and_claims_hold_within_the_process(cache):
    """There are no others."""
    with cache.lock("run", 5) as first, cache.lock("run", 5) as second:
        assert (first.held, second.held) == (True, False)
    assert [cache.claim("run", 5), cache.claim("run", 5)] == [True, False]


def test_it_says_what_it_is(cache, kinds):
    """Absent thrice, and alone."""
    assert cache.health() == {**ABSENT, "coherence": "alone"}
    assert cache.stats()["l1"]["entries"] == 0
    assert cache.ttl(kinds[0]) == kinds[0].ttl
