"""A Redis that is full refuses writes; what was invalidated must be so all the more."""

from __future__ import annotations

import pytest

from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("patient")]


@pytest.fixture
def full():
    """Fill Redis up: from now on it takes nothing that could need memory."""

    def fill(cache):
        redis = cache._engine.far.quick
        redis.config_set("maxmemory-policy", "noeviction")
        redis.config_set("maxmemory", 1)

    return fill


def test_an_expiry_reaches_everybody(make_breakable, chain, full):
    """A cascade is done in a full server, too: the others hear of it at once."""
    one, other = make_breakable.proved(), make_breakable.proved()
    source, derived = chain[0].key(name="a"), chain[1].key(name="a")
    one.put(source, 1)
    other.derive(derived, [source], lambda _: 2)
    full(one)

    touched = one.expire(source)

    assert set(touched) == {source, derived}
    eventually(lambda: {other.get(key).state for key in (source, derived)} == {"stale"}, within_s=10)
    assert {one.get(key).state for key in (source, derived)} == {"stale"}


def test_a_write_is_kept_until_there_is_room(make_breakable, chain, full):
    """It is told, served by the tiers that took it, and settled later."""
    one, other = make_breakable.proved(), make_breakable.proved()
    key = chain[0].key(name="a")
    one.put(key, "old")
    full(one)

    result = one.put(key, "new")
    told = (result.tiers["l3"], one.get(key).value, one.health()["l3"])
    one._engine.far.quick.config_set("maxmemory", 0)

    assert told == ("failed", "new", "up")
    eventually(lambda: not one.stats()["outbox"], within_s=10)
    eventually(lambda: (other.get(key).value, other.get(key).state) == ("new", "fresh"), within_s=10)
