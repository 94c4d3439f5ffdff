"""Claims about counting within one process."""

from __future__ import annotations

import math

import pytest

from cache import Kind
from cache.entry import Entry
from cache.stats import MOST_WRITERS, NUMBERS, UNKNOWN_WRITER, Counter, Stats
from cache.tiers.memory import MemoryTier

KIND = Kind("k", ("x",), ttl=60)
OTHER = Kind("other", ("x",), ttl=60)


def entry(name="1", kind=KIND, version=1, tier="l1"):
    """An entry that is fresh for ever."""
    return Entry(kind.key(x=name), 0, 0.0, 0.0, math.inf, math.inf, version, tier, lambda: 1.0)


def store(tier, one, counter, size=10):
    """Put one entry into L1."""
    return tier.store(one, size=size, epoch=None, now=0.0, counter=counter)


class TestThroughTheCache:
    """What `stats()` says after the public calls."""

    def counted(self, cache, name="source"):
        """The counters of a kind that are not nought."""
        return {one: count for one, count in cache.stats()["kinds"][name].items() if count}

    def test_hits_and_misses(self, cache, kinds):
        """Singly and in a batch."""
        source, *_ = kinds
        there, absent = source.key(name="a"), source.key(name="b")
        cache.put(there, 1)

        cache.get(there)
        cache.get_many([there, absent])
        cache.get(absent)

        counted = self.counted(cache)
        assert (counted["l1_hits"], counted["misses"], counted["puts"]) == (2, 2, 1)
        assert counted["bytes_written"] > 0
        assert "l3_bytes_written" not in counted

    def test_a_stale_hit_is_a_hit_and_a_stale_one(self, cache, kinds, clock):
        """By whichever call."""
        key = kinds[0].key(name="a")
        cache.put(key, 1)
        cache.get(key)
        clock.move(61)

        assert cache.get(key).state == "stale"
        cache.get_many([key])

        counted = self.counted(cache)
        assert (counted["l1_hits"], counted["stale_served"]) == (3, 2)

    def test_hits_survive_what_was_hit(self, cache, kinds):
        """A replaced, an expired and a removed record take their hits along into the sums."""
        key = kinds[0].key(name="a")
        for change in (lambda: cache.put(key, 2), lambda: cache.expire(key), lambda: cache.remove(key)):
            cache.put(key, 1)
            cache.get(key)
            change()

        assert self.counted(cache)["l1_hits"] == 3

    def test_computations_and_their_time(self, cache, kinds):
        """Under the kind that was computed."""
        source, middle, _ = kinds
        cache.get_or_compute(source.key(name="a"), lambda: 1)
        cache.derive(middle.key(name="a"), [source.key(name="a")], lambda _: 2)

        for name in ("source", "middle"):
            assert self.counted(cache, name)["computations"] == 1
            assert self.counted(cache, name)["compute_s"] > 0

    def test_the_answer_of_a_process_alone_has_the_shape_of_the_answer_of_many(self, cache, kinds):
        """Who reads it needs no second case."""
        cache.put(kinds[0].key(name="a"), 1)
        cache.get(kinds[0].key(name="a"))

        answer = cache.stats_everywhere()

        assert (answer["complete"], answer["hit_rates"]["l1"]) == (False, 1.0)
        assert list(answer["roles"]) == ["process"]
        assert cache.warm() == 0
        assert cache.ageing(kinds) == []


class TestMemory:
    """What records count."""

    def test_an_eviction_is_counted_under_its_kind(self):
        """The least lately used goes, whichever kind has to be made room for; its hits are kept."""
        tier, own, others = MemoryTier(most_entries=2, most_bytes=2000), Counter(), Counter()
        record = store(tier, entry("1", OTHER), others)
        record.hits += 3
        store(tier, entry("2"), own)

        store(tier, entry("3"), own)

        assert (others.evictions, own.evictions, tier.evictions) == (1, 0, 1)
        assert others.l1_hits == 3
        assert len(tier) == 2

    @pytest.mark.parametrize("size", [10, 900, 5000])
    def test_it_never_holds_more_than_its_bytes(self, size):
        """Though it is our own loop that evicts."""
        tier, counter = MemoryTier(most_entries=100, most_bytes=10_000), Counter()

        for number in range(300):
            store(tier, entry(str(number)), counter, size=size)
            assert tier.weight <= 10_000

        assert len(tier) + counter.evictions == 300
        assert len(tier) > 0

    def test_what_is_too_large_evicts_nobody(self):
        """It is not kept, and what it replaces goes."""
        tier, counter = MemoryTier(most_entries=10, most_bytes=1000), Counter()
        store(tier, entry("1"), counter)
        store(tier, entry("2"), counter)

        assert store(tier, entry("1", version=2), counter, size=2000) is None

        assert (len(tier), counter.evictions) == (1, 0)

    def test_uses_are_told_once(self):
        """Hits and loads from below; a write is no use."""
        tier, counter = MemoryTier(most_entries=10, most_bytes=10_000), Counter()
        store(tier, entry("written"), counter)
        store(tier, entry("loaded", tier="l3"), counter)
        hit = store(tier, entry("hit"), counter)
        hit.hits += 4

        assert tier.most_used(10) == [("k|hit", 4), ("k|loaded", 1)]
        assert tier.most_used(10) == []
        hit.hits += 1
        assert tier.most_used(10) == [("k|hit", 1)]

    def test_telling_and_counting_do_not_take_from_each_other(self):
        """The sums and the hit list each see every hit."""
        tier, counter = MemoryTier(most_entries=10, most_bytes=10_000), Counter()
        record = store(tier, entry("1"), counter)
        record.hits += 2
        tier.count_hits()
        record.hits += 1

        assert tier.most_used(1) == [("k|1", 3)]
        tier.count_hits()
        assert counter.l1_hits == 3

    def test_only_the_most_used_are_told_of(self):
        """As many as were asked for."""
        tier, counter = MemoryTier(most_entries=10, most_bytes=10_000), Counter()
        for number in range(1, 6):
            store(tier, entry(str(number)), counter).hits += number

        assert tier.most_used(2) == [("k|5", 5), ("k|4", 4)]

    def test_a_newer_entry_goes_on_where_the_older_stopped(self):
        """What was not told of yet is not lost, what was is not told again."""
        tier, counter = MemoryTier(most_entries=10, most_bytes=10_000), Counter()
        store(tier, entry("1"), counter).hits += 2
        tier.most_used(1)
        store(tier, entry("1", version=2), counter).hits += 1

        assert tier.most_used(1) == [("k|1", 1)]
        tier.count_hits()
        assert counter.l1_hits == 3


class TestStats:
    """The counters of a process."""

    def test_a_fork_begins_at_nought(self):
        """What its parent counted, its parent reports."""
        stats = Stats(["k"])
        stats.of("k").misses += 1

        stats.reopen()

        assert stats.plain() == {"k": dict.fromkeys(NUMBERS, 0)}

    def test_writers_that_nobody_remembers_become_unknown(self):
        """Their reads are kept: processes come and go, and the table must not grow with them."""
        stats = Stats(["k"])
        stats.of("k").read_from.update({1: 5, 2: 3, 3: 2})

        stats.keep_writers({1})

        assert stats.read_from() == {"k": {1: 5, UNKNOWN_WRITER: 5}}

    def test_without_anybody_to_ask_the_table_is_bounded_all_the_same(self):
        """While Redis is away."""
        stats = Stats(["k"])
        for writer in range(1, MOST_WRITERS + 10):
            stats.of("k").read_from[writer] += 1
            stats.keep_writers(None)

        assert len(stats.read_from()["k"]) <= MOST_WRITERS
        assert sum(stats.read_from()["k"].values()) == MOST_WRITERS + 9
