"""Claims about what is expired or removed, the same over every subset of tiers."""

from __future__ import annotations

from itertools import pairwise

import pytest

from cache import Put
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


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


def test_changes_are_told_to_subscribers(cache, keys):
    """A write and an expiry, with their keys and reasons, of the kinds asked for."""
    told = []
    cache.subscribe(told.append, kinds=[keys[0].kind])
    if cache.health()["coherence"] == "unproved" and cache.health()["l3"] == "up":
        eventually(lambda: cache.health()["coherence"] == "proved", within_s=8)

    cache.put(keys[0], 1)
    cache.put(keys[1], 1)
    cache.expire(keys[0])

    changes = eventually(lambda: len(told) == 2 and told, within_s=8)
    assert [(change.keys, change.reason) for change in changes] == [
        ((keys[0],), "put"),
        ((keys[0],), "expire"),
    ]
