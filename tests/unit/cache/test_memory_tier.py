from __future__ import annotations

from cache import Kind
from cache.entry import Entry
from cache.stats import Counter
from cache.tiers.memory import MemoryTier

KIND = Kind("k", ("x",), ttl=60)


def entry(name="1", value=0, version=1, usable_until=1e12):
    """An entry of the one kind."""
    return Entry(KIND.key(x=name), value, 0.0, 0.0, usable_until, usable_until, version, "l2", lambda: 1.0)


def store(tier, one, size=10):
    """Put one entry into L1."""
    return tier.store(one, size=size, epoch=None, now=0.0, counter=Counter())


def test_it_is_bounded_by_entries():
    """The least recently used go first, and are counted."""
    tier = MemoryTier(most_entries=10, most_bytes=1_000_000)
    for i in range(25):
        store(tier, entry(str(i)))
        tier.peek(entry("0").key.text)

    assert len(tier) == 10
    assert tier.evictions == 15
    assert tier.peek(entry("0").key.text) is not None


def test_it_is_bounded_by_bytes():
    """However few entries that are."""
    tier = MemoryTier(most_entries=1000, most_bytes=100_000)
    for i in range(50):
        store(tier, entry(str(i), bytes(9_000)), size=9_000)

    assert tier.weight <= 100_000
    assert 5 <= len(tier) <= 11


def test_what_is_too_large_is_not_kept_and_replaces_nothing_old():
    """The value before is gone, too."""
    tier = MemoryTier(most_entries=10, most_bytes=10_000)
    store(tier, entry())

    assert store(tier, entry(value=bytes(20_000)), size=20_000) is None
    assert len(tier) == 0


def test_demoting_spares_what_is_as_new():
    """Only what is older than the version is no longer believed; what is removed is gone."""
    tier = MemoryTier(most_entries=10, most_bytes=10_000)
    record = store(tier, entry(version=5))
    text = record.entry.key.text

    tier.demote(text, 5, gone=True)
    assert record.good_until > 0
    tier.demote(text, 6, gone=False)
    assert (record.good_until, tier.peek(text)) == (0.0, record)
    tier.demote(text, 6, gone=True)
    assert tier.peek(text) is None
    tier.demote(text, 7, gone=True)


def test_without_entries_it_keeps_nothing():
    """Switched off."""
    tier = MemoryTier(most_entries=0, most_bytes=10_000)

    assert store(tier, entry()) is None
    assert tier.peek("k|1") is None
