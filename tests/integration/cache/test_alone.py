"""What a process decides without Redis, and what the others make of it."""

from __future__ import annotations

import pytest

from cache import Catalogue, TieredCache, envelope, make_tiers
from tests.support.proxy import Proxy
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("patient")]


@pytest.fixture
def link(own_redis):
    """The way from one process to Redis, which can be cut without the others'."""
    proxy = Proxy(own_redis.host, own_redis.port)
    yield proxy
    proxy.close()


@pytest.fixture
def alone(link, make_breakable, chain):
    """A process of all tiers that reaches Redis by that way only, and has proved that it hears."""
    cache = TieredCache(
        tiers=make_tiers(
            clock=make_breakable.clock,
            redis_url=f"redis://{link.address}/0",
            memcached_servers=(make_breakable.memcached.address,),
            prefix=make_breakable.prefix,
        ),
        clock=make_breakable.clock,
        catalogue=Catalogue(chain),
        usable_for=600,
    )
    make_breakable.made.append(cache)
    eventually(lambda: cache.health()["coherence"] == "proved", within_s=10)
    return cache


def lose_redis(cache, kind):
    """Let the breaker open."""
    eventually(lambda: (cache.get(kind.key(name="cold")), cache.health()["l3"] == "down")[1], within_s=10)


def well(*caches: TieredCache):
    """Whether all of them have all tiers, proof, and nothing left to settle."""
    return all(set(one.health().values()) == {"up", "proved"} and not one.stats()["outbox"] for one in caches)


def test_what_is_made_alone_of_an_old_input_is_not_fresh_for_those_who_have_redis(
    link, alone, make_breakable, chain
):
    """They find it in Memcached, unsettled, and ask Redis."""
    other = make_breakable.proved()
    source, derived = chain[0].key(name="a"), chain[1].key(name="a")
    other.put(source, "old")
    eventually(lambda: alone.get(source), within_s=10)
    link.refuse()
    lose_redis(alone, chain[0])

    other.expire(source)
    made = alone.derive(derived, [source], lambda inputs: inputs[source].value)

    found = other.get(derived)
    assert made.value == "old"
    assert found is None or found.state == "stale"


def test_what_redis_knows_is_not_fresh_beside_something_newer_that_it_has_not_heard_of(
    link, alone, make_breakable, chain
):
    """The newer value's writer has returned: the older one is old, until both are settled."""
    other = make_breakable.proved()
    key = chain[0].key(name="a")
    other.put(key, "older")
    link.refuse()
    lose_redis(alone, chain[0])

    alone.put(key, "newer")
    late = make_breakable.proved()

    assert (late.get(key).value, late.get(key).state) == ("older", "stale")
    link.heal()
    eventually(lambda: well(alone, other, late), within_s=10)
    assert {(one.get(key).value, one.get(key).state) for one in (alone, other, late)} == {("newer", "fresh")}


def test_an_expiry_made_without_redis_reaches_what_others_derived(make_breakable, chain):
    """Nobody can say what was derived: so all of the kinds that may be is stale, within a second."""
    one, other = make_breakable.proved(), make_breakable.proved()
    source, derived, stranger = chain[0].key(name="a"), chain[1].key(name="a"), chain[0].key(name="b")
    other.put(source, 1)
    other.derive(derived, [source], lambda _: 2)
    other.put(stranger, 3)
    make_breakable.redis.freeze()
    lose_redis(one, chain[0])
    lose_redis(other, chain[0])

    one.expire(source)

    assert (entry := one.get(derived)) is None or entry.state == "stale"
    eventually(lambda: other.get(derived).state == "stale", within_s=1.5)
    assert (other.get(derived).value, other.get(stranger).state) == (2, "fresh")


def test_the_doubt_ends_with_the_outage(make_breakable, chain):
    """Once Redis says again what is derived from what, nothing else is stale."""
    one = make_breakable.proved()
    source, other_source = chain[0].key(name="a"), chain[0].key(name="b")
    derived, spared = chain[1].key(name="a"), chain[1].key(name="b")
    for parent, child in ((source, derived), (other_source, spared)):
        one.put(parent, 1)
        one.derive(child, [parent], lambda _: 2)
    make_breakable.redis.freeze()
    lose_redis(one, chain[0])
    one.expire(source)
    assert one.get(spared).state == "stale"

    make_breakable.redis.thaw()

    eventually(lambda: well(one) and one.get(spared).state == "fresh", within_s=10)
    assert one.get(derived).state == "stale"


def test_a_call_that_its_caller_gave_up_is_not_executed_late(make_breakable, chain):
    """A frozen Redis finds it in its socket when it is thawed; something newer was written since."""
    one, other = make_breakable.proved(), make_breakable.proved()
    key = chain[0].key(name="a")
    one.put(key, "first, which taught Redis the script")
    make_breakable.redis.freeze()

    given_up = one.put(key, "given up")
    lose_redis(other, chain[0])
    other.put(key, "newer")
    make_breakable.redis.thaw()
    eventually(lambda: well(one, other), within_s=10)

    assert given_up.tiers["l3"] == "failed"
    assert {one.get(key).value, other.get(key).value} == {"newer"}


def test_what_was_written_alone_is_brought_along_to_a_new_generation(make_breakable, chain):
    """Others raise the number meanwhile, and look for it there; whether it is the newest, nobody can say."""
    one, other = make_breakable.proved(), make_breakable.proved()
    key = chain[0].key(name="a")
    make_breakable.redis.freeze()
    lose_redis(one, chain[0])
    lose_redis(other, chain[0])
    one.put(key, "mine")

    raised = one.stats()["generation"] + 1
    other._engine.tiers.near.post(raised)
    eventually(lambda: {one.stats()["generation"], other.stats()["generation"]} == {raised}, within_s=10)

    found = eventually(lambda: other.get(key), within_s=10)
    assert (found.value, found.state) == ("mine", "stale")


def test_an_expiry_is_marked_in_memcached_too(make_breakable, chain):
    """For those who lose Redis before they hear of it."""
    one = make_breakable.proved()
    key = chain[0].key(name="a")
    one.put(key, 1)
    near, generation = one._engine.tiers.near, one.stats()["generation"]
    assert not envelope.is_expired(near.fetch([key.text], generation)[key.text])

    one.expire(key)

    eventually(lambda: envelope.is_expired(near.fetch([key.text], generation)[key.text]), within_s=1.5)


def test_after_a_gap_memcached_is_believed_only_for_what_came_later(make_breakable, chain):
    """A write that was missed may have missed Memcached as well."""
    reader, writer = make_breakable.proved(), make_breakable.proved("l1 l3")
    key = chain[0].key(name="a")
    reader.put(key, "old")

    writer._engine.far.quick.client_kill_filter(_type="pubsub")
    writer.put(key, "new")
    eventually(lambda: reader.health()["coherence"] == "unproved", within_s=10)
    eventually(lambda: well(reader), within_s=10)

    assert reader.get(key).value == "new"


def test_a_write_that_redis_refuses_afterwards_leaves_nothing_older_fresh(link, alone, make_breakable, chain):
    """Its writer was told that it is stored; a removal that it had not heard of makes it go."""
    other = make_breakable.proved()
    key = chain[0].key(name="a")
    link.refuse()
    lose_redis(alone, chain[0])
    token = alone.token()
    other.remove(key)
    other.put(key, "older")

    alone.put(key, "newer", token=token)
    link.heal()
    eventually(lambda: well(alone, other), within_s=10)

    assert {one.get(key).state for one in (alone, other, make_breakable.proved())} == {"stale"}
