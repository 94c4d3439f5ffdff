from __future__ import annotations

import threading
from datetime import UTC, datetime
from itertools import permutations

import pytest
from freezegun import freeze_time

from cache import Catalogue, NotCacheable, TieredCache, make_tiers
from cache.catalogue import CATALOGUE, TICKERS
from tests.support.waiting import eventually


class Settings:
    """As much of the settings as the cache reads."""

    shared_cache_prefix = "p"
    enable_multi_tier_cache = True
    enable_cache_pubsub = True
    memory_cache_entries = 10
    memory_cache_mb = 1
    usable_for = 100.0
    redis = None
    memcached: tuple[str, ...] = ()

    def redis_location(self):
        """L3."""
        return self.redis

    def memcached_locations(self):
        """L2."""
        return self.memcached

    def lifetimes(self):
        """Shorter tickers."""
        return {**CATALOGUE.lifetimes, "tickers": 30.0, "breadth": 30.0}


def test_the_settings_choose_the_tiers(clock):
    """Lifetimes and bounds, too."""
    cache = TieredCache.from_settings(Settings(), clock=clock)
    key = TICKERS.key(exchange="simulated")
    cache.put(key, {})

    entry = cache.get(key)

    assert cache.ttl(TICKERS) == 30
    assert (entry.fresh_for, entry.usable_for, entry.age) == (30, 130, 0)
    assert cache.health() == {"l1": "up", "l2": "absent", "l3": "absent", "coherence": "alone"}
    cache.close()


def test_with_the_tiers_off_only_redis_is_left(clock):
    """Memcached is not asked, and L1 keeps nothing."""
    settings = Settings()
    settings.enable_multi_tier_cache, settings.redis = False, "redis://127.0.0.1:1/0"
    settings.memcached = ("127.0.0.1:1",)

    cache = TieredCache.from_settings(settings, clock=clock)

    tiers = cache._engine.tiers
    assert (tiers.memory.installed, tiers.near.installed, tiers.far.installed) == (False, False, True)


def test_redis_waits_for_nobody():
    """No retries, explicit time-outs, a health check: on every client that we build."""
    settings = Settings()
    settings.redis = "rediss://user:secret@127.0.0.1:1/3"
    far = TieredCache.from_settings(settings)._engine.far

    for client in (far.quick, far._bulk, far._vast):
        options = client.connection_pool.connection_kwargs
        assert (options["retry"]._retries, options["health_check_interval"]) == (0, 15)
        assert max(options["socket_timeout"], options["socket_connect_timeout"]) <= 2.0
        assert (options["db"], options["password"]) == (3, "secret")


def test_memcached_waits_for_nobody():
    """Time-outs, no delay, and no word taken for granted: on every connection that we build."""
    settings = Settings()
    settings.memcached = ("[::1]:11211",)
    (node,) = TieredCache.from_settings(settings)._engine.tiers.near.nodes

    client = node._connect()

    assert (client.server, client.connect_timeout, client.timeout) == (("::1", 11211), 0.05, 0.05)
    assert (client.no_delay, client.default_noreply) == (True, False)


def test_what_a_reader_does_changes_nothing_for_the_next(cache, kinds):
    """Nor what the writer does to the value it gave."""
    key = kinds[0].key(name="a")
    value = {"list": [1, {"deep": 2}]}
    cache.put(key, value)
    value["list"][1]["deep"] = 3

    read = cache.get(key).value
    with pytest.raises(TypeError):
        read["list"][1]["deep"] = 4

    assert cache.get(key).value == {"list": (1, {"deep": 2})}


def test_an_entry_says_how_old_it_is(cache, kinds, clock):
    """At the moment it is asked."""
    key = kinds[0].key(name="a")
    cache.put(key, 1, as_of=clock() - 5)
    entry = cache.get(key)

    clock.move(10)

    assert (entry.age, entry.fresh_for, entry.state) == (15, 50, "fresh")
    clock.move(50)
    assert (entry.fresh_for, entry.state, entry.usable_for) == (0, "stale", 600)
    assert entry.stale_at(clock()) is entry


def test_under_freezegun_a_clock_passed_in_is_enough(kinds):
    """The cache asks nobody else for the time: frozen, nothing ages; moved, it turns stale, then goes."""
    with freeze_time("2026-01-01T00:00:00Z") as frozen:
        clock = lambda: datetime.now(UTC).timestamp()  # noqa: E731 (the shape that freezegun reaches)
        cache = TieredCache(
            tiers=make_tiers(clock=clock), clock=clock, catalogue=Catalogue(kinds), usable_for=600
        )
        key = kinds[0].key(name="a")
        cache.put(key, 1)

        frozen.tick(59)
        young = cache.get(key)
        frozen.tick(2)

        assert (young.age, young.stored_at) == (61, 1_767_225_600.0)
        assert cache.get(key).state == "stale"
        frozen.tick(600)
        assert cache.get(key) is None


def test_a_bad_value_is_refused_and_the_rest_of_the_world_goes_on(cache, kinds):
    """Nothing is stored of it."""
    with pytest.raises(NotCacheable):
        cache.put(kinds[0].key(name="a"), object())

    assert cache.get(kinds[0].key(name="a")) is None


def test_empty_batches_are_nothing(cache):
    """No error, no change."""
    assert cache.get_many([]) == {}
    assert cache.put_many([]) == []
    assert cache.expire() == ()
    assert cache.derive_many([], lambda _: (), lambda _: {}) == {}


def test_a_subscriber_that_raises_harms_nobody(cache, kinds):
    """The next one is told all the same; one that has left is not."""
    told, left = [], []
    cache.subscribe(lambda _: 1 / 0)
    cache.subscribe(told.append)
    cache.subscribe(left.append)()

    cache.put(kinds[0].key(name="a"), 1)

    eventually(lambda: told, within_s=20)
    assert left == []


def test_threads_compute_a_cold_key_once(cache, kinds):
    """All get the one value; the computation ends when everybody has asked."""
    key, asking, calls, values = kinds[0].key(name="a"), [], [], []

    def compute():
        calls.append(1)
        eventually(lambda: len(asking) == 16, within_s=20)
        return len(calls)

    def ask():
        asking.append(1)
        values.append(cache.get_or_compute(key, compute).value)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert values == [1] * 16


def test_those_who_waited_are_told_of_the_failure(cache, kinds):
    """The leader's error is theirs."""
    key, errors = kinds[0].key(name="a"), []
    waiting = threading.Event()

    def fail():
        waiting.wait(5)
        raise LookupError("no data")

    def ask():
        try:
            cache.get_or_compute(key, fail)
        except LookupError as error:
            errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    waiting.set()
    for thread in threads:
        thread.join()

    assert len(errors) == 3


READS, EXPIRES, WRITES, REWRITES = "reads", "expires", "writes", "rewrites"


ORDERS = [
    one for one in permutations((READS, EXPIRES, WRITES, REWRITES)) if one.index(READS) < one.index(WRITES)
]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_no_order_of_steps_makes_an_old_value_fresh(cache, kinds, order):
    """Read the input, expire it, write what was computed, write the input anew: in every order."""
    source, derived = kinds[0].key(name="a"), kinds[1].key(name="a")
    cache.put(source, "old")
    seen = {}
    steps = {
        READS: lambda: seen.update(token=cache.token(), entry=cache.get(source)),
        EXPIRES: lambda: cache.expire(source),
        REWRITES: lambda: cache.put(source, "new"),
        WRITES: lambda: cache.put(derived, seen["entry"].value, inputs=(seen["entry"],), token=seen["token"]),
    }

    for step in order:
        steps[step]()

    found = cache.get(derived)
    fresh = found is not None and found.state == "fresh"
    read_old_before_expiry = order.index(READS) < order.index(EXPIRES)
    read_while_stale = order.index(EXPIRES) < order.index(READS) and not order.index(EXPIRES) < order.index(
        REWRITES
    ) < order.index(READS)
    assert not (fresh and (read_old_before_expiry or read_while_stale))
