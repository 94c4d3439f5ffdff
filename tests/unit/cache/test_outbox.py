from __future__ import annotations

from cache import Kind, codec, envelope
from cache.outbox import Outbox
from cache.tiers.base import Item

KIND = Kind("k", ("x",), ttl=60)


def item(name="1", size=10):
    """A write of the one kind."""
    key = KIND.key(x=name)
    body, compressed = codec.pack(bytes(size))
    rest = envelope.rest_of(key, body, (0.0, 0.0, 1.0, 1.0))
    return Item(key, rest, compressed, bytes(size), 0.0, 0.0, 1.0, 1.0)


def test_the_newest_of_a_key_is_kept():
    """Writes under the version they were given."""
    outbox = Outbox()
    outbox.put([item()], 5)
    outbox.put([item()], 7)
    outbox.invalidate(["a"], "remove", 8)
    outbox.invalidate(["a", "b"], "expire", 9)

    invalidations, puts = outbox.take()

    assert [one.pinned for one in puts] == [7]
    assert invalidations == [("a", 9, "remove"), ("b", 9, "expire")]


def test_what_is_on_its_way_is_still_owed():
    """Until Redis has decided on it; what was written meanwhile is owed on."""
    outbox = Outbox()
    outbox.put([item("a"), item("b")], 5)
    before = outbox.owed
    outbox.take()
    outbox.put([item("b")], 6)

    assert (len(outbox), outbox.owed) == (3, {"k|a": 5, "k|b": 6})
    outbox.settled()
    assert (len(outbox), outbox.owed, before["k|a"]) == (1, {"k|b": 6}, 5)


def test_what_was_given_back_is_owed_on():
    """And counted once."""
    outbox = Outbox()
    outbox.put([item()], 5)

    outbox.give_back(*outbox.take())

    assert (len(outbox), outbox.owed) == (1, {"k|1": 5})


def test_what_is_owed_does_not_grow_for_ever():
    """A write that became an expiry is owed until that is forgotten too."""
    outbox = Outbox(most_items=2)
    for i in range(9):
        outbox.put([item(str(i))], i + 1)

    assert set(outbox.owed) == {f"k|{i}" for i in range(5, 9)}


def test_a_write_that_does_not_fit_becomes_an_expiry():
    """So that what Redis holds is not taken for fresh."""
    outbox = Outbox(most_bytes=250)
    for i in range(3):
        outbox.put([item(str(i), size=100)], i + 1)

    invalidations, puts = outbox.take()

    assert [one[:2] for one in invalidations] == [("k|0", 1), ("k|1", 2)]
    assert [one.key.text for one in puts] == ["k|2"]


def test_too_many_invalidations_are_noticed():
    """Then nothing in Redis may be believed."""
    outbox = Outbox(most_items=2)
    outbox.invalidate(["a", "b", "c"], "expire", 1)

    assert outbox.overflowed


def test_what_was_given_back_does_not_replace_what_came_since():
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


def test_what_is_given_back_loses_neither_a_removal_nor_its_place():
    """A removal stays one when an expiry came meanwhile, and what came later stays the younger."""
    outbox = Outbox(most_items=2)
    outbox.invalidate(["k"], "remove", 10)
    outbox.put([item("a")], 11)
    invalidations, puts = outbox.take()
    outbox.invalidate(["k"], "expire", 20)
    outbox.put([item("b"), item("c")], 21)

    outbox.give_back(invalidations, puts)

    assert [one.key.x for one in outbox.puts()] == ["b", "c"]
    assert ("k", 20, "remove") in outbox.take()[0]
