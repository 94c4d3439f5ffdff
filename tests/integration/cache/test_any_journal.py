"""Claims about journals: whatever is observed in whatever order, and whoever dies, an onset is told once."""

from __future__ import annotations

from functools import partial
from itertools import combinations_with_replacement, count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.observed import bodies, seen
from tests.support.steps import Actor, Touch, every_order, stop_at
from tests.support.web import tiered_cache

pytestmark = pytest.mark.integration

_names = count()


@pytest.fixture(scope="module")
def any_journal(shared_redis):
    """A journal for all examples, with patience for a busy machine."""
    with pytest.MonkeyPatch.context() as patch, tiered_cache(redis=shared_redis) as made:
        patch.setattr("cache.tiers.redis.BUDGET_S", 0.5)
        made._engine.far.reopen()
        yield made.journal("any")


@pytest.mark.parametrize("comes_back", [False, True], ids=["stays", "comes back"])
def test_no_order_and_no_death_loses_or_doubles_an_onset(make, comes_back):
    """A level is reached; two evaluators, each killed after one of its steps; then somebody else goes on.

    Every order of all steps. An onset that lasts is told once. One that comes back at once is told once if
    somebody records it before its end is recorded.
    """
    one, other, survivor = (make("l3").journal("orders") for _ in range(3))
    moves = (("up", 2), ("", 3))[: 1 + comes_back]
    runs = []

    def begin(ends):
        name = f"order {next(_names)}"
        world = {"now": seen("", 1, name=name)}
        survivor.record([world["now"]])
        runs.append(world)

        def cross():
            for level, mark in moves:
                stop_at("move", Touch("world", "score", writes=True))
                world["now"] = seen(level, mark, name=name)

        def evaluate(who, journal, last):
            if last == "nothing":
                return
            stop_at("look", Touch(who, "score"))
            observed = world["now"]
            if last == "record":
                stop_at("record", Touch(who, "journal", writes=True))
                journal.record([observed])

        return {
            "world": Actor(cross, Touch("world")),
            "one": Actor(partial(evaluate, "one", one, ends[0]), Touch("one")),
            "other": Actor(partial(evaluate, "other", other, ends[1]), Touch("other")),
        }

    for ends in combinations_with_replacement(("nothing", "look", "record"), 2):
        for order in every_order(partial(begin, ends)):
            now = runs[-1]["now"]
            for _ in "twice":
                survivor.record([now])
            wanted = [("up", 2)] if not comes_back or _recorded_in_time(order) else []
            assert bodies(survivor, now.name) == wanted, (ends, order)
    assert len(runs) > 20


def _recorded_in_time(order):
    """Whether somebody recorded what he saw between the two moves before anybody recorded what came after."""
    moves, looks = 0, {}
    for step in order:
        actor, _, point = step.partition(" ")
        if point == "move":
            moves += 1
        elif point == "look":
            looks[actor] = moves
        elif point == "record":
            if looks[actor] == 1:
                return True
            if looks[actor] == 2:
                return False
    return False


OBSERVED = st.lists(
    st.tuples(
        st.sampled_from(["", "up", "down"]),
        st.integers(1, 12),
        st.sampled_from(["", "up"]),
        st.booleans(),
        st.booleans(),
    ),
    max_size=12,
)


def by_the_rules(observed):
    """What has to be written down: the same rules once more, in a few plain lines."""
    stored, last, written = None, 0, []
    for level, mark, stands, past, old in observed:
        if stored is None:
            if not past:
                stored, last = level, mark
        elif mark > last:
            last = mark
            now = stored if stands and stands == stored else level
            if now and now != stored and not old:
                written.append((now, mark))
            stored = now
    return written


@given(OBSERVED, st.integers(0, 12))
@settings(max_examples=80, deadline=None)
def test_any_observations_come_to_what_the_rules_say(any_journal, observed, cut):
    """In one batch or in two, and once more from the beginning."""
    name = f"any {next(_names)}"
    batch = [
        seen(level, mark, name=name, stands=stands if not level else "", past=past, old=old)
        for level, mark, stands, past, old in observed
    ]

    first = any_journal.record(batch[:cut])
    second = any_journal.record(batch[cut:])
    again = any_journal.record(batch)

    entries = {entry.id: entry.body for entry in any_journal.recent(200)}
    told = [entries[added] for added in (*first.added, *second.added)]
    told += [entries[added] for added in again.added]
    wanted = by_the_rules([(one.level, one.mark, one.stands, one.past, one.old) for one in (*batch, *batch)])
    assert [(body["level"], body["mark"]) for body in told] == wanted
