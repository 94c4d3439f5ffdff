from __future__ import annotations

import pytest

from cache import Kind, codec, envelope, make_tiers
from cache.breaker import Breaker
from cache.entry import Entry
from cache.floors import Floors
from cache.hub import Hub
from cache.leases import Leases
from cache.local_order import Dependents
from cache.outbox import Outbox
from cache.states import DELAYED, EMPTY, LIVE, STALE, summarise
from cache.stats import Counter
from cache.tiers.base import Item, Snapshot
from cache.tiers.memory import MemoryTier

KIND = Kind("k", ("x",), ttl=60)


def entry(name="1", value=0, version=1, usable_until=1e12):
    """An entry of the one kind."""
    return Entry(KIND.key(x=name), value, 0.0, 0.0, usable_until, usable_until, version, "l2", lambda: 1.0)


def item(name="1", size=10):
    """A write of the one kind."""
    key = KIND.key(x=name)
    draft = envelope.draft(key, codec.pack(bytes(size)), (0.0, 0.0, 1.0, 1.0))
    return Item(key=key, draft=draft, fresh_until=1.0, usable_until=1.0, usable_for=1.0)


def store(tier, one, size=10):
    """Put one entry into L1."""
    return tier.store(one, size=size, epoch=None, now=0.0, counter=Counter())


class TestBreaker:
    """Closed, open, half open."""

    def test_one_failure_opens_it(self, clock):
        """And is logged once, and counted."""
        opened = []
        breaker = Breaker("t", clock=clock)
        breaker.on_open = lambda: opened.append(1)

        breaker.failed(TimeoutError())
        breaker.failed("again")

        assert (breaker.closed, breaker.openings, opened) == (False, 1, [1])

    def test_it_is_probed_after_a_while_and_closes_when_the_tier_is_well(self, clock):
        """Not before it is due, and less often as it goes on."""
        answers = [False, False, True]
        breaker = Breaker("t", clock=clock, probe=lambda: answers.pop(0))
        breaker.failed("x")

        assert breaker.try_probe() is False
        assert len(answers) == 3
        waits = []
        while not breaker.closed:
            waits.append(breaker.due_in())
            clock.move(breaker.due_in() + 0.001)
            breaker.try_probe()

        assert answers == []
        assert waits == pytest.approx([0.1, 0.2, 0.4], abs=0.01)
        assert breaker.due_in() is None

    def test_a_probe_that_raises_has_failed(self, clock):
        """Whatever it raises; and never waits longer than half a second."""
        breaker = Breaker("t", clock=clock, probe=lambda: 1 / 0)
        breaker.failed("x")
        for _ in range(10):
            clock.move(1)
            assert breaker.try_probe() is False

        assert breaker.state == "open"
        assert breaker.due_in() <= 0.5

    def test_only_one_probes(self, clock):
        """While one is at it, another has nothing to do."""
        breaker = Breaker("t", clock=clock)
        states = []
        breaker.probe = lambda: states.append((breaker.state, breaker.try_probe())) or True
        breaker.failed("x")
        clock.move(1)

        assert breaker.try_probe() is True
        assert states == [("half_open", False)]


class TestMemoryTier:
    """Bounds."""

    def test_it_is_bounded_by_entries(self):
        """The least recently used go first, and are counted."""
        tier = MemoryTier(most_entries=10, most_bytes=1_000_000)
        for i in range(25):
            store(tier, entry(str(i)))
            tier.peek(entry("0").key.text)

        assert len(tier) == 10
        assert tier.evictions == 15
        assert tier.peek(entry("0").key.text) is not None

    def test_it_is_bounded_by_bytes(self):
        """However few entries that are."""
        tier = MemoryTier(most_entries=1000, most_bytes=100_000)
        for i in range(50):
            store(tier, entry(str(i), bytes(9_000)), size=9_000)

        assert tier.weight <= 100_000
        assert 5 <= len(tier) <= 11

    def test_what_is_too_large_is_not_kept_and_replaces_nothing_old(self):
        """The value before is gone, too."""
        tier = MemoryTier(most_entries=10, most_bytes=10_000)
        store(tier, entry())

        assert store(tier, entry(value=bytes(20_000)), size=20_000) is None
        assert len(tier) == 0

    def test_demoting_spares_what_is_as_new(self):
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

    def test_without_entries_it_keeps_nothing(self):
        """Switched off."""
        tier = MemoryTier(most_entries=0, most_bytes=10_000)

        assert store(tier, entry()) is None
        assert tier.peek("k|1") is None


class TestFloors:
    """What is remembered of others."""

    def test_they_only_rise(self):
        """An older message changes nothing."""
        floors = Floors()
        floors.note(["a"], "expire", 9)
        floors.note(["a"], "expire", 5)

        assert (floors.at("a"), floors.fence("a"), floors.removal("a"), floors.at("b")) == (9, 9, 0, 0)

    def test_a_write_is_no_fence(self):
        """It only makes older copies doubtful."""
        floors = Floors()
        floors.note(["a"], "put", 9)

        assert (floors.at("a"), floors.fence("a")) == (9, 0)

    def test_forgetting_is_safe(self):
        """What does not fit raises the floor of everything."""
        floors = Floors(limit=3)
        for i in range(10):
            floors.note([f"k{i}"], "expire", 100 + i)

        assert len(floors) == 3
        assert floors.at("k0") == floors.at("stranger") == 106


class TestHub:
    """Versions and epochs."""

    def hub(self, clock):
        """One with nothing in it."""
        return Hub(clock=clock, memory=MemoryTier(most_entries=10, most_bytes=10_000), shared=True)

    def test_messages_in_order_are_followed_and_a_gap_is_not(self, clock):
        """The one before must be the one heard last."""
        hub = self.hub(clock)

        assert hub.follow(0, 5)
        assert hub.follow(5, 6)
        assert hub.follow(0, 5)
        assert not hub.follow(7, 8)
        assert hub.heard == 6

    def test_ones_own_change_counts_as_heard_only_when_nothing_is_missing(self, clock):
        """Else it is only known of."""
        hub = self.hub(clock)
        hub.advance(0, 5)
        hub.advance(7, 9)

        assert (hub.heard, hub.highest) == (5, 9)

    def test_own_versions_rise_with_the_clock_and_without(self, clock):
        """Even when it stands or goes back."""
        hub = self.hub(clock)
        first = hub.next_version()
        clock.move(-100)
        second = hub.next_version()

        assert first == clock.now * 1_000_000 + 100_000_000
        assert second == first + 1

    def test_a_new_incarnation_abandons_l1(self, clock):
        """The server has lost its memory; the same one has not."""
        hub = self.hub(clock)
        hub.adopt(Snapshot(version=10, incarnation=1, generation=1, floor=1))
        epoch = hub.epoch
        hub.adopt(
            Snapshot(version=11, incarnation=1, generation=1, floor=1, fences={"a": 9}, removals={"b": 8})
        )
        assert hub.epoch is epoch
        assert (hub.floors.at("a"), hub.floors.removal("b")) == (9, 8)

        hub.adopt(Snapshot(version=20, incarnation=20, generation=20, floor=20))

        assert hub.epoch is not epoch
        assert hub.floors.at("anything") == 20


class TestOutbox:
    """What is kept while Redis is away."""

    def test_the_newest_of_a_key_is_kept(self):
        """Writes under the version they were given."""
        outbox = Outbox()
        outbox.put([item()], 5)
        outbox.put([item()], 7)
        outbox.invalidate(["a"], "remove", 8)
        outbox.invalidate(["a", "b"], "expire", 9)

        invalidations, puts = outbox.take()

        assert [one.pinned for one in puts] == [7]
        assert invalidations == [("a", 9, "remove"), ("b", 9, "expire")]
        assert len(outbox) == 0

    def test_a_write_that_does_not_fit_becomes_an_expiry(self):
        """So that what Redis holds is not taken for fresh."""
        outbox = Outbox(most_bytes=250)
        for i in range(3):
            outbox.put([item(str(i), size=100)], i + 1)

        invalidations, puts = outbox.take()

        assert [one[:2] for one in invalidations] == [("k|0", 1), ("k|1", 2)]
        assert [one.key.text for one in puts] == ["k|2"]

    def test_too_many_invalidations_are_noticed(self):
        """Then nothing in Redis may be believed."""
        outbox = Outbox(most_items=2)
        outbox.invalidate(["a", "b", "c"], "expire", 1)

        assert outbox.overflowed

    def test_what_was_given_back_does_not_replace_what_came_since(self):
        """The newer stands."""
        outbox = Outbox()
        outbox.put([item()], 1)
        outbox.invalidate(["a"], "expire", 1)
        taken = outbox.take()
        outbox.put([item()], 2)
        outbox.invalidate(["a"], "expire", 2)

        outbox.give_back(*taken)

        invalidations, puts = outbox.take()
        assert (invalidations, [one.pinned for one in puts]) == ([("a", 2, "expire")], [2])


def test_dependents_are_bounded():
    """The oldest inputs are forgotten first."""
    dependents = Dependents(limit=4)
    for i in range(10):
        dependents.link(f"child{i}", [(f"input{i}", 1)])

    assert dependents.closure(["input9"]) == ("input9", "child9")
    assert dependents.closure(["input0"]) == ("input0",)


def test_a_local_lease_runs_out():
    """Without Redis a lock holds within this process, for its time."""
    leases = Leases(None)
    first = leases.take("a", 0.0)
    second = leases.take("a", 30)

    assert (bool(first), bool(second), bool(leases.take("a", 30))) == (True, True, False)
    first.release()
    assert not leases.take("a", 30).held
    with second:
        assert second.held
    assert leases.take("a", 30).held


def test_local_leases_do_not_pile_up():
    """Those that have run out are forgotten."""
    leases = Leases(None)
    for i in range(3000):
        leases.take(f"l{i}", 0.0)
        leases.claim(f"c{i}", 30)

    assert len(leases._local) <= 1000
    assert len(leases._claims) <= 1000
    assert not leases.claim("c2999", 30)
    assert leases.claim("c0", 30)


def test_one_word_for_the_whole():
    """All, some, none, nothing."""
    assert [summarise(fresh=f, total=t) for f, t in ((2, 2), (1, 2), (0, 2), (0, 0))] == [
        LIVE,
        DELAYED,
        STALE,
        EMPTY,
    ]


def test_a_tier_that_is_not_named_is_absent(clock):
    """Each stand-in says that it is not there."""
    tiers = make_tiers(clock=clock)

    assert (tiers.near.installed, tiers.far.installed) == (False, False)
    assert tiers.near.fetch(["a"], 0) == {}
    assert tiers.near.drop(["a"], 0)
    assert tiers.far.fetch(["a"]) is None
    assert tiers.far.commit([], heard=0, seen=0) is None
    assert tiers.far.invalidate([], "expire", heard=0, seen=0) is None
    assert tiers.far.sync(heard=0, seen=0, since=0) is None
