"""Every order of the steps of two and of three processes, a step being one call of one tier.

Each act below is one process's; the rules are those of tests/support/stories.py. What is raced here by
default takes about half a minute; with ALL_RACES=1 all of it is, in all subsets of tiers, in about ten.
"""

from __future__ import annotations

import os
import time
from itertools import combinations, combinations_with_replacement, product

import pytest

from tests.support.gated import Clock, Process
from tests.support.races import World
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

ALL = os.environ.get("ALL_RACES") == "1"
SHARING = ("l3", "l1 l3", "l2 l3", "l1 l2 l3")
ACTS = ("put", "refresh", "derive", "read", "expire", "remove", "pass time")
CHANGES = {"put", "refresh", "derive", "expire", "remove"}
NAMES = "abc"

PAIRS = [acts for acts in product(ACTS, repeat=2) if CHANGES & set(acts) and acts[0] != "pass time"]
TRIPLES = [acts for acts in combinations(ACTS, 3) if CHANGES & set(acts)]
# Somebody changes something while another, whose ears are open or shut, is on his way through the tiers.
HEARING = [acts for acts in PAIRS if acts[1] in {"read", "derive"} and acts[0] in {"put", "expire", "remove"}]
ON_THE_WAY = [
    acts for acts in TRIPLES if "read" in acts and {"expire", "remove"} & set(acts) and acts[2] != ACTS[-1]
]


@pytest.fixture
def world(make, chain):
    """Makes three processes that share these tiers."""

    def build(tiers, *, listening=True):
        clock = Clock(time.time())
        caches = {name: make(tiers, clock=clock, listening=listening) for name in NAMES}
        return World({name: Process(name, cache) for name, cache in caches.items()}, clock, chain)

    return build


def race(world, acts, *, ears="", derived=True, near=False):
    """One story for each order of these acts' steps, each act somebody's own."""

    def begin(story):
        actors = {
            f"{name} {act}": world.actor(name, act, story) for name, act in zip(NAMES, acts, strict=False)
        }
        return {**actors, **{f"{name} hears": world.ear(name) for name in ears}}

    return list(world.stories(begin, derived=derived, near=near))


def wrongs(stories):
    """All that went wrong, with the order in which it did."""
    return [f"{what}, in the order {', '.join(story.order)}" for story in stories for what in story.wrong]


@pytest.mark.parametrize(
    ("tiers", "pairs"),
    [("l3", PAIRS if ALL else HEARING), ("l1 l3", PAIRS)]
    + [(tiers, PAIRS if ALL else HEARING) for tiers in ("l2 l3", "l1 l2 l3")],
)
@pytest.mark.parametrize(
    "near", [False, True] if ALL else [False], ids=lambda near: "near" if near else "far"
)
def test_no_order_of_two_breaks_an_invariant(world, tiers, pairs, near):
    """The second of them hears of the other at any one moment, and both of everything in the end."""
    processes = world(tiers)

    stories = [story for acts in pairs for story in race(processes, acts, ears="b", near=near)]

    assert wrongs(stories) == []
    assert len(stories) > 5 * len(pairs)


@pytest.mark.parametrize(("tiers", "triples"), [(tiers, TRIPLES if ALL else ON_THE_WAY) for tiers in SHARING])
@pytest.mark.parametrize(
    "derived", [False, True] if ALL else [False], ids=lambda there: "there" if there else "new"
)
def test_no_order_of_three_breaks_an_invariant(world, tiers, triples, derived):
    """All are told of everything when it is over: the longest that a message can be on its way."""
    processes = world(tiers)

    stories = [story for acts in triples for story in race(processes, acts, derived=derived)]

    assert wrongs(stories) == []
    assert len(stories) > 5 * len(triples)


def have_one_writer(acts):
    """Two that write one key at once may leave the older in Memcached, which nobody tells the deaf."""
    return acts.count("put") + acts.count("refresh") < 2 and acts.count("derive") < 2


@pytest.mark.parametrize("tiers", SHARING)
def test_no_order_of_two_breaks_an_invariant_where_nobody_listens(world, tiers):
    """With messages off all is right after a second, when the fences have been asked for."""
    processes = world(tiers, listening=False)
    pairs = [acts for acts in PAIRS if "l2" not in tiers or have_one_writer(acts)]

    stories = [story for acts in pairs for story in race(processes, acts)]

    assert wrongs(stories) == []


@pytest.mark.parametrize("tiers", ["l2 l3", "l1 l2 l3"])
def test_no_order_leaves_something_behind_for_those_who_come_later(world, make, tiers):
    """A process that starts afterwards does not take what Memcached kept for fresh, or for there."""
    processes = world(tiers)
    stories = [story for acts in HEARING for story in race(processes, acts, near=True)]

    late = make("l1 l2 l3", clock=processes.clock)
    found = late.get_many([key for story in stories for key in (story.source, story.derived)])

    for story in stories:
        mine = {key: found[key] for key in (story.source, story.derived) if key in found}
        story.judge(mine, "a late one")
    assert wrongs(stories) == []


@pytest.fixture
def threads(make, chain):
    """Makes three threads of one process."""

    def build(tiers, *, away=False):
        clock = Clock(time.time())
        # A listener would notice the loss of Redis at a moment of its own.
        cache = make(tiers, clock=clock, listening=not away)
        process = Process("one", cache, away=away, threads=True)
        return World(dict.fromkeys(NAMES, process), clock, chain), process

    return build


LOCAL_PAIRS = [acts for acts in combinations_with_replacement(ACTS[:-1], 2) if CHANGES & set(acts)]
LOCAL_TRIPLES = [("put", "derive", "expire"), ("derive", "read", "remove")]


@pytest.mark.parametrize("tiers", ["l1", "l2", "l1 l2"])
def test_no_order_of_threads_breaks_an_invariant_without_redis(threads, tiers):
    """The process decides the order itself."""
    one, _ = threads(tiers)

    several = LOCAL_PAIRS + (LOCAL_TRIPLES if tiers == "l1" or ALL else [])
    stories = [story for acts in several for story in race(one, acts)]

    assert wrongs(stories) == []


@pytest.mark.parametrize("tiers", ["l1 l3", "l2 l3", "l1 l2 l3"])
def test_no_order_of_threads_breaks_an_invariant_while_redis_is_away(threads, make, tiers):
    """Neither then, nor when all of it has been settled with Redis."""
    one, process = threads(tiers, away=True)
    stories = [story for acts in LOCAL_PAIRS for story in race(one, acts)]
    assert wrongs(stories) == []

    process.back()
    eventually(
        lambda: process.cache.health()["l3"] == "up" and not process.cache.stats()["outbox"], within_s=10
    )

    keys = [key for story in stories for key in (story.source, story.derived)]
    for reader in (process.cache, make("l3", clock=one.clock), make("l1 l2 l3", clock=one.clock)):
        found = reader.get_many(keys)
        for story in stories:
            mine = {key: found[key] for key in (story.source, story.derived) if key in found}
            story.judge(mine, "a reader after the outage")
    assert wrongs(stories) == []
