from __future__ import annotations

import pytest

from cache import Put
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("patient")]


@pytest.fixture
def parts(chain, gathered):
    """Keys: three sources, what is made of each, the board of all three, and its page."""
    names = ("a", "b", "c")
    return (
        [chain[0].key(name=name) for name in names],
        [chain[1].key(name=name) for name in names],
        gathered[0].key(name="all"),
        gathered[1].key(name="all"),
    )


def build(cache, parts):
    """Store all of it."""
    sources, middles, board, page = parts
    cache.put_many([Put(source, "source") for source in sources])
    for source, middle in zip(sources, middles, strict=True):
        cache.derive(middle, [source], lambda _: "middle")
    cache.derive(board, middles, lambda _: "board")
    cache.derive(page, [board], lambda _: "page")


@pytest.mark.parametrize("tiers", ["l1", "l1 l2", "l1 l3", "l1 l2 l3", "l3"])
def test_what_gathers_outlives_the_removal_of_a_part(make, parts, tiers):
    """The part and what is made of it alone go; the board and its page are stale; the rest stands."""
    cache = make.proved(tiers) if "l3" in tiers else make(tiers)
    sources, middles, board, page = parts
    build(cache, parts)

    touched = cache.remove(sources[0])

    assert set(touched) == {sources[0], middles[0], board, page}
    assert (cache.get(sources[0]), cache.get(middles[0])) == (None, None)
    assert [(cache.get(key).value, cache.get(key).state) for key in (board, page)] == [
        ("board", "stale"),
        ("page", "stale"),
    ]
    assert {cache.get(key).state for key in (*sources[1:], *middles[1:])} == {"fresh"}


def test_other_processes_hear_of_both(make, parts):
    """Their memory follows, and their subscribers are told of a removal and an expiry."""
    one, other = make.proved(), make.proved()
    sources, middles, board, page = parts
    build(one, parts)
    eventually(lambda: (found := other.get(page)) and found.state == "fresh", within_s=10)
    other.get_many([board, *middles])
    told = []
    other.subscribe(told.append)

    one.remove(middles[0])

    eventually(lambda: len(told) == 2, within_s=10)
    assert [(change.reason, set(change.keys)) for change in told] == [
        ("expire", {board, page}),
        ("remove", {middles[0]}),
    ]
    assert told[0].version == told[1].version
    assert (other.get(middles[0]), other.get(board).state, other.get(sources[0]).state) == (
        None,
        "stale",
        "fresh",
    )
    late = make("l3")
    assert (late.get(board).state, late.get(page).state) == ("stale", "stale")


def test_removing_the_whole_itself_removes_it(make, parts):
    """With what is derived from it."""
    cache = make.proved()
    _, middles, board, page = parts
    build(cache, parts)

    cache.remove(board)

    assert (cache.get(board), cache.get(page)) == (None, None)
    assert cache.get(middles[0]).state == "fresh"


@pytest.mark.parametrize("tiers", ["l1", "l1 l3", "l1 l2 l3"])
def test_a_write_under_way_from_a_removed_part_is_stored_stale(make, parts, tiers):
    """Where nothing of the whole was there yet, too; what is made of one part alone is dropped."""
    cache = make.proved(tiers) if "l3" in tiers else make(tiers)
    sources, middles, board, _ = parts
    build(cache, parts)

    cache.derive(board, middles, lambda _: (cache.remove(sources[0]), "new")[1])
    cache.derive(middles[1], [sources[1]], lambda _: (cache.remove(sources[1]), "new")[1])

    assert (cache.get(board).value, cache.get(board).state) == ("new", "stale")
    assert cache.get(middles[1]) is None


def test_a_removal_made_while_redis_was_away_spares_the_whole(make_breakable, parts):
    """Settled on its return, seen by those who were not there."""
    cache = make_breakable.proved("l1 l3")
    sources, middles, board, page = parts
    build(cache, parts)
    make_breakable.redis.freeze()

    touched = cache.remove(sources[0])
    make_breakable.redis.thaw()

    assert set(touched) == {sources[0], middles[0], board, page}
    eventually(lambda: cache.health()["l3"] == "up" and not cache.stats()["outbox"], within_s=10)
    late = make_breakable("l3")
    assert (late.get(sources[0]), late.get(middles[0])) == (None, None)
    assert (late.get(board).state, late.get(page).state) == ("stale", "stale")
