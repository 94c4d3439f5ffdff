from __future__ import annotations

from cache.floors import Floors
from cache.hub import Hub
from cache.local_order import NOTHING_BEFORE
from cache.tiers.base import Snapshot
from cache.tiers.memory import MemoryTier


def test_they_only_rise():
    """An older message changes nothing."""
    floors = Floors()
    floors.note(["a"], "expire", 9)
    floors.note(["a"], "expire", 5)

    assert (floors.at("a"), floors.fence("a"), floors.removal("a"), floors.at("b")) == (9, 9, 0, 0)


def test_a_write_is_no_fence():
    """It only makes older copies doubtful."""
    floors = Floors()
    floors.note(["a"], "put", 9)

    assert (floors.at("a"), floors.fence("a")) == (9, 0)


def test_forgetting_is_safe():
    """What does not fit raises the floor of everything."""
    floors = Floors(limit=3)
    for i in range(10):
        floors.note([f"k{i}"], "expire", 100 + i)

    assert len(floors) <= 6
    assert floors.at("k0") == floors.at("stranger") >= 106
    assert floors.forgotten < floors.at("k9") == 109


def new_hub(clock):
    """One with nothing in it."""
    return Hub(clock=clock, memory=MemoryTier(most_entries=10, most_bytes=10_000), shared=True)


def test_messages_in_order_are_followed_and_a_gap_is_not(clock):
    """The one before must be the one heard last."""
    hub = new_hub(clock)

    assert hub.follow(0, 5)
    assert hub.follow(5, 6)
    assert hub.follow(0, 5)
    assert not hub.follow(7, 8)
    assert hub.heard == 6


def test_ones_own_change_counts_as_heard_only_when_nothing_is_missing(clock):
    """Else it is only known of."""
    hub = new_hub(clock)
    hub.advance(0, 5)
    hub.advance(7, 9)

    assert (hub.heard, hub.highest) == (5, 9)


def test_own_versions_rise_with_the_clock_and_without(clock):
    """Even when it stands or goes back."""
    hub = new_hub(clock)
    first = hub.next_version()
    clock.move(-100)
    second = hub.next_version()

    assert first == clock.now * 1_000_000 + 100_000_000
    assert second == first + 1


def test_a_new_incarnation_abandons_l1(clock):
    """The server has lost its memory; the same one has not."""
    hub = new_hub(clock)
    hub.adopt(Snapshot(version=10, incarnation=1, generation=1, floor=1))
    epoch = hub.epoch
    hub.adopt(Snapshot(version=11, incarnation=1, generation=1, floor=1, fences={"a": 9}, removals={"b": 8}))
    assert hub.epoch is epoch
    assert (hub.floors.at("a"), hub.floors.removal("b")) == (9, 8)

    hub.adopt(Snapshot(version=20, incarnation=20, generation=20, floor=20))

    assert hub.epoch is not epoch
    assert hub.floors.at("anything") == 20


def test_an_older_snapshot_that_arrives_later_lowers_nothing(clock):
    """Two threads may ask Redis at once."""
    hub = Hub(clock=clock, memory=MemoryTier(most_entries=10, most_bytes=10_000), shared=True)
    hub.adopt(Snapshot(version=20, incarnation=2, generation=7, floor=0))
    epoch = hub.epoch

    hub.adopt(Snapshot(version=10, incarnation=1, generation=5, floor=0))

    assert (hub.generation, hub.incarnation, hub.epoch) == (7, 2, epoch)


def test_an_invalidation_made_alone_is_no_message_of_redis(clock):
    """Else a process that started without it would take its own clock for the order's."""
    hub = Hub(clock=clock, memory=MemoryTier(most_entries=10, most_bytes=10_000), shared=True)

    hub.advance(NOTHING_BEFORE, 1_000, invalidation=True)

    assert (hub.heard, hub.known, hub.highest) == (0, 0, 1_000)
