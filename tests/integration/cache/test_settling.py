"""A process that finds Redis again: what it wrote alone is settled before anything older is believed."""

from __future__ import annotations

from itertools import islice
from threading import Event

import pytest

from cache import Put
from cache.keeper import MOST_ROUNDS
from tests.support.steps import Actor, Touch, every_order, gate
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

HERE = Touch("alone")


def lose_redis(cache):
    """Take Redis for lost; the next probe finds it again."""
    cache._engine.far.breaker.failed("cut off")


def while_settling(cache, monkeypatch, act):
    """Have `act` called whenever a batch is on its way to Redis from the outbox of this cache."""
    far = cache._engine.far
    commit = far.commit

    def busy(items, **how: object):
        if items[0].pinned:
            act()
        return commit(items, **how)

    monkeypatch.setattr(far, "commit", busy)


def test_what_is_written_while_the_rest_is_settled_goes_with_it(make, chain, monkeypatch):
    """Redis is believed when nothing is left to settle, and not when the first batch has arrived."""
    cache = make.proved("l1 l3")
    first, meanwhile = chain[0].key(name="first"), chain[0].key(name="meanwhile")
    engine, left = cache._engine, []
    puts = iter([Put(meanwhile, 2)])
    while_settling(cache, monkeypatch, lambda: cache.put_many([*islice(puts, 1)]))

    def recover():
        well = engine._keeper.recover_far()
        left.append(len(engine.outbox))
        return well

    engine.far.breaker.probe = recover
    lose_redis(cache)
    cache.put(first, 1)
    eventually(lambda: cache.health()["l3"] == "up", within_s=10)

    assert left == [0]
    assert {one.value for one in make("l3").get_many([first, meanwhile]).values()} == {1, 2}


def test_who_writes_without_a_pause_gets_redis_back_all_the_same(make, chain, monkeypatch):
    """Until what it wrote last is settled, it reads that, and nothing older as fresh that Redis holds."""
    cache, other = make.proved("l1 l3"), make.proved("l1 l3")
    key, engine = chain[0].key(name="last"), cache._engine
    names = iter([*map(str, range(MOST_ROUNDS - 1)), "last"])
    believed, was_read = Event(), Event()

    def write_on():
        if engine.far.breaker.closed:
            believed.set()
            assert was_read.wait(30.0)
        else:
            cache.put(chain[0].key(name=next(names)), "newer")

    while_settling(cache, monkeypatch, write_on)
    other.put(key, "older")
    lose_redis(cache)
    cache.put(chain[0].key(name="first"), "newer")

    assert believed.wait(30.0)
    found = cache.get(key)
    was_read.set()

    assert (found.value, found.state) == ("newer", "stale")
    eventually(lambda: (other.get(key).value, cache.get(key).state) == ("newer", "fresh"), within_s=10)


@pytest.mark.parametrize("tiers", ["l3", "l1 l3", "l1 l2 l3"])
def test_no_order_of_a_write_and_the_return_of_redis_shows_its_writer_something_older(make, chain, tiers):
    """Another's older value is in Redis; the process writes alone and reads, while Redis comes back to it."""
    cache, other = make(tiers, listening=False), make("l3")
    cache.token()
    gated(cache._engine)
    orders, found = {}, {}
    for order in every_order(lambda: begin(cache, other, chain[0], found), reduced=False):
        orders[order] = found["fresh"]

    assert [order for order, fresh in orders.items() if fresh == "older"] == []
    assert len(orders) > 20


def gated(engine):
    """Gates where the writer and the keeper of this process can get in each other's way; no other threads."""
    engine._keeper.close()
    gate(engine.far, "commit", HERE, after=HERE)
    gate(engine.far, "fetch", HERE, after=HERE)
    gate(engine.outbox, "put", HERE)


def begin(cache, other, kind, found):
    """A process that has lost Redis, and has something to settle; its writer, and its keeper."""
    engine = cache._engine
    found["runs"] = found.get("runs", 0) + 1
    key, first = kind.key(name=f"{found['runs']}"), kind.key(name="first")
    lose_redis(cache)
    engine.far.breaker._probe_at = 0.0
    other.put(key, "older")
    cache.put(first, "alone")

    def write_and_read():
        cache.put(key, "newer")
        entry = cache.get(key)
        found["fresh"] = entry.value if entry is not None and entry.state == "fresh" else None

    def come_back():
        engine.far.breaker.try_probe()
        engine._keeper.settle()

    return {"writer": Actor(write_and_read, HERE), "keeper": Actor(come_back, HERE)}


@pytest.mark.parametrize("reason", ["expire", "remove"])
@pytest.mark.parametrize("both", [False, True], ids=["one alone", "both alone"])
def test_what_was_computed_before_an_invalidation_made_alone_is_not_fresh_when_it_is_settled(
    make, chain, reason, both
):
    """It was written after it, by somebody who could not know; what was simply written after it stays."""
    one, other = make.proved("l1 l3"), make.proved("l1 l3")
    computed, written = chain[0].key(name="computed"), chain[0].key(name="written")
    cut_off(one)
    if both:
        cut_off(other)
    token = other.token()
    getattr(one, reason)(computed, written)
    other.put_many([Put(computed, "old", token=token), Put(written, "new")])

    for cache in (other, one):
        cache._engine.far.breaker.probe = cache._engine._keeper.recover_far
        eventually(lambda cache=cache: cache.health()["l3"] == "up", within_s=10)

    for reader in (one, other, make("l3")):
        eventually(lambda reader=reader: fresh(reader, computed, written) == ["new"], within_s=10)


def cut_off(cache):
    """Lose Redis for as long as nobody lets the probes succeed."""
    cache._engine.far.breaker.probe = lambda: False
    lose_redis(cache)


def fresh(cache, *keys: object):
    """The values of these keys that are fresh."""
    return [entry.value for entry in cache.get_many(keys).values() if entry.state == "fresh"]
