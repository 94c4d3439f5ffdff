from __future__ import annotations

from itertools import permutations

import pytest

from cache import Put
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

TWO_STEPS = {
    "one": ("read", "write"),
    "other": ("expire", "rewrite"),
    "third": ("promote",),
}


def interleavings():
    """Every order of the actors' steps that keeps each actor's own."""
    steps = [(actor, step) for actor, own in TWO_STEPS.items() for step in own]
    for order in permutations(steps):
        if all(
            tuple(step for actor, step in order if actor == name) == own for name, own in TWO_STEPS.items()
        ):
            yield tuple(step for _, step in order)


ORDERS = sorted(set(interleavings()))


@pytest.mark.parametrize("tiers", ["l1 l2 l3", "l1 l3", "l2 l3"])
def test_no_interleaving_makes_a_value_from_before_an_expiry_fresh(make, chain, tiers):
    """Three processes; read-compute-write, expire-rewrite, promote; all 30 orders; every reader asked."""
    one, other, third = (make.proved(tiers) for _ in range(3))
    late = make("l2 l3")
    for number, order in enumerate(ORDERS):
        source, derived = (kind.key(name=str(number)) for kind in chain[:2])
        one.put(source, "old")
        seen = {}
        steps = {
            "read": lambda source=source, seen=seen: seen.update(token=one.token(), entry=one.get(source)),
            "write": lambda derived=derived, seen=seen: one.put(
                derived, seen["entry"].value, inputs=(seen["entry"],), token=seen["token"]
            ),
            "expire": lambda source=source: other.expire(source),
            "rewrite": lambda source=source: other.put(source, "new"),
            "promote": lambda source=source, derived=derived: third.get_many([source, derived]),
        }
        for step in order:
            steps[step]()

        old = seen["entry"].value == "old"
        for reader in (one, other, third, late):
            eventually(
                lambda reader=reader, derived=derived, old=old: (
                    (found := reader.get(derived)) is None or not old or found.state == "stale"
                ),
                within_s=10,
            )
            assert reader.get(source).value == "new" or eventually(
                lambda reader=reader, source=source: reader.get(source).value == "new", within_s=1
            )


def test_an_expiry_in_the_middle_of_a_computation_wins(make, chain):
    """One reads, another process expires the input, derive writes: born stale, everywhere."""
    one, other = make.proved(), make.proved()
    source, derived = chain[0].key(name="a"), chain[1].key(name="a")
    one.put(source, 1)

    entry = one.derive(derived, [source], lambda inputs: (other.expire(source), inputs[source].value)[1])

    assert entry.state == "stale"
    assert {reader.get(derived).state for reader in (one, other, make("l3"), make("l2 l3"))} == {"stale"}


def test_a_missing_input_that_comes_later_and_is_expired_takes_the_result_along(make, chain):
    """What was made without it is derived from it all the same."""
    cache = make.proved()
    source, derived = chain[0].key(name="a"), chain[1].key(name="a")
    cache.derive(derived, [source], lambda _: 1)
    cache.put(source, 1)

    assert set(cache.expire(source)) == {source, derived}


def test_inputs_named_by_key_are_fenced_by_the_token(make, chain):
    """For those who did not keep the entries."""
    one, other = make.proved(), make.proved()
    source, derived = chain[0].key(name="a"), chain[1].key(name="a")
    one.put(source, 1)
    token = one.token()
    other.expire(source)

    result = one.put(derived, 2, inputs=(source,), token=token)

    assert result.born_stale


def test_an_expired_input_named_by_key_makes_nothing_fresh_when_it_is_renewed(make, chain):
    """The old value was read, stale, after the token; a new one is there when the result is written."""
    one, other = make.proved(), make.proved()
    source, derived = chain[0].key(name="a"), chain[1].key(name="a")
    one.put(source, "old")
    one.expire(source)
    token = one.token()
    read = one.get(source)
    other.put(source, "new")
    eventually(lambda: one.get(source).value == "new", within_s=10)

    result = one.put(derived, read.value, inputs=(source,), token=token)

    assert result.born_stale
    assert {reader.get(derived).state for reader in (one, other)} == {"stale"}


def test_an_input_that_comes_for_the_first_time_meanwhile_leaves_the_result_fresh(make, chain):
    """Nothing old can have been read of it."""
    one, other = make.proved(), make.proved()
    source, missing, derived = chain[0].key(name="a"), chain[0].key(name="b"), chain[1].key(name="a")
    one.put(source, 1)

    entry = one.derive(derived, [source, missing], lambda _: (other.put(missing, 2), 3)[1])

    assert entry.state == "fresh"


def test_a_late_stale_result_does_not_replace_a_fresh_one(make, chain):
    """The slow computation lost; the quick one's value stays."""
    slow, quick = make.proved(), make.proved()
    key = chain[0].key(name="a")
    token = slow.token()
    quick.expire(key)
    quick.put(key, "quick", token=quick.token())

    result = slow.put(key, "slow", token=token)

    assert result.tiers["l3"] == "skipped"
    eventually(lambda: slow.get(key).value == "quick", within_s=10)
    assert slow.get(key).state == "fresh"


def test_a_cascade_takes_exactly_what_is_derived(make, chain):
    """A thousand dependents, and none of the others."""
    cache = make.proved()
    source, stranger = chain[0].key(name="a"), chain[0].key(name="b")
    cache.put_many([Put(source, 1), Put(stranger, 1)])
    children = [chain[1].key(name=f"c{i}") for i in range(1000)]
    entries = cache.get_many([source, stranger])
    cache.put_many([Put(key, 1, inputs=(entries[source],)) for key in children])
    cache.put(chain[1].key(name="other"), 1, inputs=(entries[stranger],))

    touched = cache.expire(source)

    assert set(touched) == {source, *children}
    assert cache.get(chain[1].key(name="other")).state == "fresh"


def test_dependency_sets_and_fences_do_not_grow_for_ever(make, chain):
    """Every set has an end of life, and writing the same again adds nothing."""
    cache = make.proved("l3")
    source, derived = chain[0].key(name="a"), chain[1].key(name="a")
    for _ in range(20):
        cache.put(source, 1)
        cache.derive(derived, [source], lambda _: 1)
        cache.expire(source)
    redis = cache._engine.far.quick
    base = cache._engine.far.base

    assert redis.zcard(f"{base}:d:{source}") == 1
    assert redis.pttl(f"{base}:d:{source}") > 0
    assert redis.zcard(f"{base}:fences") == 2
    assert len(cache._engine.hub.floors) <= 4
