"""Claims about what is stored, read and derived, the same over every subset of tiers."""

from __future__ import annotations

import pytest

from cache import Put, Value

pytestmark = pytest.mark.integration


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


def test_a_derived_entry_is_never_fresh_for_longer_than_an_input(cache, keys, clock):
    """The shortest of its inputs' lives bounds it."""
    cache.put(keys[0], 1)
    clock.move(50)

    derived = cache.derive(keys[1], [keys[0]], lambda _: 2)

    assert derived.fresh_until == cache.get(keys[0]).fresh_until
    assert derived.fresh_for == pytest.approx(10, abs=1)


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


def test_nothing_is_kept_without_any_tier(make, keys):
    """Reads miss, writes say that no tier is there, computing still works."""
    cache = make("")

    result = cache.put(keys[0], 1)

    assert result.tiers == {"l1": "absent", "l2": "absent", "l3": "absent"}
    assert cache.get(keys[0]) is None
    assert cache.get_or_compute(keys[0], lambda: 7).value == 7
    assert cache.expire(keys[0]) == (keys[0],)
