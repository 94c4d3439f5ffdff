"""Claims about locks and claims, over every subset of tiers; outages are in test_redis_down_locks.py."""

from __future__ import annotations

import time

import pytest

from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


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
    assert eventually(lambda: cache.claim("run", 10), within_s=8)


def test_a_lock_outlives_its_life_in_redis_while_its_holder_lives(make, monkeypatch):
    """The heartbeat lengthens it, up to the time it was taken for."""
    monkeypatch.setattr("cache.tiered.RUN_LOCK_LIFE_S", 0.5)
    one, other = make("l3"), make("l3")
    long, short = one.lock("long", 30), one.lock("short", 1.0)
    redis, base = one._engine.far.quick, one._engine.far.base
    started = time.monotonic()

    eventually(lambda: other.lock("short", 30).held, within_s=8)

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
    eventually(lambda: other.lock("run", 300).held, within_s=8)
