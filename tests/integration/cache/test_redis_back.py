from __future__ import annotations

import pytest

from cache import Put
from tests.support.waiting import at_best, eventually

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("patient")]


def trip(cache, chain):
    """Let the breaker open."""
    cache.get(chain[0].key(name="cold"))
    eventually(lambda: cache.stats()["breakers"]["l3"]["state"] != "closed", within_s=10)


def test_a_redis_that_comes_back_empty_is_used_again(make_breakable, chain):
    """Within 2 s; the version goes on upwards, and nothing old is served as fresh."""
    cache, other = make_breakable.proved(), make_breakable.proved()
    key, versions = chain[0].key(name="a"), []
    versions.append(cache.put(key, 0).version)
    other.get(key)

    def come_back():
        make_breakable.redis.restart()
        new = len(versions)
        stored = eventually(
            lambda: (done := cache.put(key, new)).tiers["l3"] == "stored" and done, within_s=10
        )
        eventually(lambda: other.get(key).value == new, within_s=10)
        versions.append(stored.version)

    at_best(come_back, within_s=2.5)

    assert versions == sorted(set(versions))
    for one in (cache, other):
        eventually(lambda one=one: one.health()["coherence"] == "proved", within_s=10)
    cache.expire(key)
    eventually(lambda: other.get(key).state == "stale", within_s=10)


def test_what_redis_lost_is_served_as_stale_until_it_is_made_again(make_breakable, chain):
    """The page keeps its numbers, marked, when Redis forgot them."""
    cache = make_breakable.proved()
    key = chain[0].key(name="a")
    cache.put(key, 1)

    make_breakable.redis.restart()
    eventually(lambda: cache.get(key).state == "stale", within_s=10)

    assert cache.get(key).value == 1


@pytest.mark.parametrize("tiers", ["l3", "l1 l2 l3"])
def test_what_is_made_anew_of_a_lost_input_takes_the_place_of_what_was_made_before(make, chain, tiers):
    """A Redis that came back with its disk's memory still has that, and nobody believes it any more."""
    cache, other = make(tiers), make(tiers)
    source, derived = chain[0].key(name="a"), chain[1].key(name="a")
    cache.put(source, 1)
    cache.derive(derived, [source], lambda _: "before")
    assert other.get(derived).value == "before"
    far = cache._engine.far
    far.quick.hset(f"{far.base}:meta", "run", "another server's")
    for one in (cache, other):
        one._engine._keeper._adopt(one._engine._keeper._sync())
    assert cache.get(source).state == cache.get(derived).state == "stale"

    cache.derive(derived, [source], lambda _: "after")

    for one in (cache, other):
        found = eventually(lambda one=one: (e := one.get(derived)).value == "after" and e, within_s=10)
        assert found.state == "stale"


def test_a_token_from_before_the_loss_fences(make_breakable, chain):
    """The fences are lost with Redis's memory, so nothing read before it is fresh after it."""
    cache = make_breakable.proved()
    token = cache.token()

    make_breakable.redis.restart()
    eventually(lambda: cache.put(chain[0].key(name="x"), 1).tiers["l3"] == "stored", within_s=10)

    assert cache.put(chain[0].key(name="a"), 1, token=token).born_stale


def test_what_was_written_while_redis_was_away_is_settled(make_breakable, chain):
    """After a freeze: another process reads it from Redis, and the invalidation made meanwhile holds."""
    cache = make_breakable.proved()
    written, expired = chain[0].key(name="w"), chain[0].key(name="e")
    cache.put_many([Put(written, 1), Put(expired, 1)])

    make_breakable.redis.freeze()
    trip(cache, chain)
    cache.put(written, 2)
    cache.expire(expired)
    make_breakable.redis.thaw()
    eventually(lambda: cache.health()["l3"] == "up" and not cache.stats()["outbox"], within_s=10)
    reader = make_breakable("l3")

    assert reader.get(written).value == 2
    assert reader.get(expired).state == "stale"


def test_what_was_written_while_redis_was_away_is_kept_in_an_empty_one_as_stale(make_breakable, chain):
    """Whether something newer was lost, nobody can say any more."""
    cache = make_breakable.proved()
    key, child = chain[0].key(name="a"), chain[1].key(name="a")
    make_breakable.redis.kill()
    trip(cache, chain)
    cache.put(key, 1)
    cache.derive(child, [key], lambda _: 2)

    make_breakable.redis.restart()
    eventually(lambda: cache.health()["l3"] == "up" and not cache.stats()["outbox"], within_s=10)
    reader = make_breakable("l3")

    assert {one: (entry.value, entry.state) for one, entry in reader.get_many([key, child]).items()} == {
        key: (1, "stale"),
        child: (2, "stale"),
    }
    assert set(cache.expire(key)) == {key, child}


def test_a_process_that_starts_without_redis_serves_what_memcached_holds(make_breakable, chain):
    """As stale, for it cannot know what was invalidated; what it computes itself is fresh."""
    cache = make_breakable.proved()
    key = chain[0].key(name="a")
    cache.put(key, 1)
    eventually(lambda: cache._engine.tiers.near.recall()[0] is not None, within_s=10)
    make_breakable.redis.kill()

    late = make_breakable()

    assert (late.get(key).value, late.get(key).state) == (1, "stale")
    late.put(key, 2)
    assert (late.get(key).value, late.get(key).state) == (2, "fresh")


def test_an_outbox_that_overflowed_makes_everything_stale(make_breakable, chain):
    """What could not be remembered cannot be settled, so nothing stored before is believed."""
    cache, other = make_breakable.proved(), make_breakable.proved()
    key = chain[0].key(name="a")
    cache.put(key, 1)
    other.get(key)

    make_breakable.redis.freeze()
    trip(cache, chain)
    cache._engine.outbox.overflowed = True
    make_breakable.redis.thaw()
    eventually(lambda: cache.health()["l3"] == "up", within_s=10)

    eventually(
        lambda: {one.get(key).state for one in (cache, other, make_breakable())} == {"stale"}, within_s=2
    )
    cache.put(key, 2)
    eventually(lambda: other.get(key).value == 2 and other.get(key).state == "fresh", within_s=10)


def test_a_process_that_starts_without_redis_finds_its_way(make_breakable, chain):
    """It computes and serves, and joins when Redis comes."""
    make_breakable.redis.kill()
    cache = make_breakable("l1 l3")
    key = chain[0].key(name="a")

    assert cache.get(key) is None
    cache.put(key, 1)
    assert cache.get(key).value == 1
    make_breakable.redis.restart()

    eventually(
        lambda: cache.health() == {"l1": "up", "l2": "absent", "l3": "up", "coherence": "proved"}, within_s=3
    )
    assert make_breakable("l3").get(key).value == 1
