"""Claims about journals: what begins is written down once, whoever saw it and whatever died meanwhile."""

from __future__ import annotations

from functools import partial
from itertools import combinations_with_replacement, count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cache import Acknowledged, Journal, Observation
from tests.support.observed import bodies, record, seen
from tests.support.steps import Actor, Touch, every_order, stop_at
from tests.support.waiting import eventually
from tests.support.web import tiered_cache

pytestmark = pytest.mark.integration

LONG_S = 3600.0
_names = count()


@pytest.fixture
def cache(make):
    """One process's cache, with Redis alone."""
    return make("l3")


@pytest.fixture(scope="module")
def any_journal(shared_redis):
    """A journal for all examples, with patience for a busy machine."""
    with pytest.MonkeyPatch.context() as patch, tiered_cache(redis=shared_redis) as made:
        patch.setattr("cache.tiers.redis.BUDGET_S", 0.5)
        made._engine.far.reopen()
        yield made.journal("any")


@pytest.fixture
def journal(cache):
    """A journal of this test's own."""
    return cache.journal("test")


def test_an_onset_is_written_down_once(journal):
    """However often it is observed."""
    record(journal, seen("", 1))

    assert [record(journal, seen("up", mark)) for mark in (2, 3, 3, 4)] == [1, 0, 0, 0]
    assert bodies(journal) == [("up", 2)]


def test_another_level_is_another_onset(journal):
    """So is the same one after a calm."""
    levels = ["", "up", "down", "", "up"]

    assert [record(journal, seen(level, mark)) for mark, level in enumerate(levels, 1)] == [0, 1, 1, 0, 1]


def test_the_first_observation_is_where_a_name_starts_from(journal):
    """A start raises nothing, however much is going on."""
    assert [record(journal, seen("up", mark)) for mark in (1, 2)] == [0, 0]
    assert [record(journal, seen(level, mark)) for level, mark in (("", 3), ("up", 4))] == [0, 1]


def test_the_past_of_an_unknown_name_is_no_start(journal):
    """Of a known one it is told like anything else."""
    late = [seen("up", 1, past=True), seen("", 2, past=True), seen("up", 3, past=True)]

    assert record(journal, *late, seen("", 4)) == 0
    assert record(journal, seen("up", 5, past=True), seen("", 6, past=True), seen("", 7)) == 1
    assert bodies(journal) == [("up", 5)]


def test_what_comes_too_late_changes_nothing(journal):
    """A frozen process wakes with what it saw long ago."""
    record(journal, seen("", 1), seen("up", 5), seen("", 6))

    assert record(journal, seen("up", 5), seen("up", 4), seen("down", 6)) == 0
    assert record(journal, seen("", 7)) == 0
    assert bodies(journal) == [("up", 5)]


def test_a_level_that_stands_goes_on(journal):
    """Within the hysteresis it is neither left nor begun."""
    assert record(journal, seen("", 1), seen("", 2, stands="up"), seen("up", 3)) == 1
    assert record(journal, seen("", 4, stands="up"), seen("up", 5)) == 0
    assert record(journal, seen("", 6), seen("", 7, stands="up"), seen("up", 8)) == 1


def test_a_level_with_a_hold_is_told_once_it_has_lasted(journal):
    """By the clock of Redis, and also if it is the first that is seen."""
    held = seen("down", hold_s=0.2)

    assert record(journal, held) == 0
    assert eventually(lambda: record(journal, held), within_s=2, every_s=0.03) == 1
    assert record(journal, held) == 0


def test_a_level_that_ends_within_its_hold_was_none(journal):
    """Its next beginning is counted anew."""
    held = seen("down", hold_s=0.15)
    record(journal, held)

    def ended_and_begun():
        assert record(journal, seen(hold_s=0.15), held) == 0
        return _now(journal) - started > 0.5

    started = _now(journal)
    eventually(ended_and_begun, within_s=3, every_s=0.05)


def test_an_onset_within_the_cooldown_is_counted_and_not_told(journal):
    """By the clock of Redis; the next that is told says how many there were."""
    cooling = {"cooldown_s": 0.8}
    record(journal, seen("", 1))
    assert record(journal, seen("up", 2, **cooling)) == 1

    left_out = journal.record([seen("", 3), seen("up", 4, **cooling), seen("down", 5, **cooling)])

    assert (left_out.added, left_out.left_out) == ((), 2)
    marks = count(6)

    def told_again():
        return record(journal, seen("", next(marks)), seen("up", next(marks), **cooling))

    assert eventually(told_again, within_s=3, every_s=0.05) == 1
    newest, first = journal.recent(2)
    assert newest.at - first.at >= 0.8
    assert (first.left_out, newest.left_out >= 2) == (0, True)


def test_what_lasts_longer_than_its_cooldown_is_not_told_again(journal):
    """An onset in the cooldown was its onset; the level has to end first."""
    record(journal, seen("", 1), seen("up", 2), seen("", 3))
    assert record(journal, seen("up", 4, cooldown_s=0.05)) in {0, 1}
    eventually(lambda: _now(journal) - journal.recent(1)[0].at > 0.1, within_s=2)

    assert record(journal, seen("up", 5, cooldown_s=0.05)) == 0


def test_names_do_not_disturb_one_another(journal):
    """Each has its level, its order and its cooldown."""
    both = [seen("", 1, name=name) for name in "ab"]
    record(journal, *both)

    added = record(
        journal, *(seen("up", mark, name=name, cooldown_s=LONG_S) for name, mark in (("a", 9), ("b", 2)))
    )

    assert added == 2


def test_a_long_batch_is_recorded_whole(journal):
    """In parts that Redis does quickly; the newest entries are read in parts, too."""
    names = [f"symbol {number}/USDT" for number in range(250)]
    record(journal, *(seen("", 1, name=name) for name in names))

    recorded = journal.record([seen("up", 2, name=name) for name in names])

    assert len(set(recorded.added)) == 250
    assert recorded.newest == recorded.added[-1] == journal.recent(1)[0].id
    assert [entry.id for entry in journal.recent(1000)] == list(reversed(recorded.added))


def test_ids_rise_and_times_are_those_of_redis(journal):
    """Whatever clocks the processes have."""
    record(journal, seen("", 1))
    before = _now(journal)
    for mark in range(2, 12):
        record(journal, seen("up" if mark % 2 else "down", mark))
    after = _now(journal)

    entries = list(reversed(journal.recent(100)))

    assert [int(entry.id) for entry in entries] == sorted({int(entry.id) for entry in entries})
    assert all(before - 0.002 <= entry.at <= after for entry in entries)


def test_the_newest_are_kept_and_the_oldest_go(cache):
    """By their number."""
    journal = Journal("bounded", cache._engine.far, most_entries=3)
    record(journal, seen("", 1))
    for mark in range(2, 9):
        record(journal, seen("up" if mark % 2 else "down", mark))

    assert [mark for _, mark in bodies(journal)] == [6, 7, 8]
    assert cache._engine.far.quick.hlen(journal._entries) == 3


def test_what_is_old_goes_with_the_states_that_nobody_observes(cache):
    """By the clock of Redis; what is observed stays."""
    journal = Journal("brief", cache._engine.far, kept_s=0.2)
    record(journal, seen("", 1), seen("", 1, name="left alone"), seen("up", 2))
    redis, marks = cache._engine.far.quick, count(3)

    def gone():
        record(journal, seen("up", next(marks)))
        return not journal.recent(10) and not redis.hexists(journal._states, "left alone")

    eventually(gone, within_s=3, every_s=0.03)
    assert redis.hexists(journal._states, "a")
    assert redis.zcard(journal._seen) == 1


def test_an_acknowledgement_counts_once(journal):
    """The first time; whoever says it again is told when that was."""
    record(journal, seen("", 1), seen("up", 2))
    (entry,) = journal.recent(10)

    first, again = journal.acknowledge(entry.id), journal.acknowledge(entry.id)

    assert (first.now, again.now, again.at) == (True, False, first.at)
    assert journal.recent(10)[0].acknowledged_at == first.at >= entry.at
    assert entry.acknowledged_at is None


@pytest.mark.parametrize("entry_id", ["1", "", "no id", "\ud800", "²", "1" * 400])
def test_what_is_no_entry_cannot_be_acknowledged(journal, entry_id):
    """Nor does asking for it break anything."""
    assert journal.acknowledge(entry_id) == Acknowledged(None)
    assert journal.recent(1) == []


def test_a_recorded_level_does_not_undo_an_acknowledgement(journal):
    """Entries and states are kept apart."""
    record(journal, seen("", 1), seen("up", 2))
    journal.acknowledge(journal.recent(1)[0].id)

    record(journal, seen("", 3), seen("up", 4, cooldown_s=LONG_S))

    assert [entry.acknowledged_at is None for entry in journal.recent(10)] == [False]


def test_what_cannot_be_observed_is_refused():
    """Before it gets as far as Redis."""
    for wrong in (
        {"name": ""},
        {"name": "a", "level": "up"},
        {"name": "a", "mark": float("nan")},
        {"name": "a", "hold_s": -1.0},
    ):
        with pytest.raises(ValueError, match=r"wants|finite"):
            Observation(**wrong)


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


def test_losing_its_memory_is_a_new_beginning(journal, cache):
    """Nothing is raised by it, and whoever remembers what he had recorded is told."""
    before = journal.record([seen("", 1), seen("up", 2)])
    for key in cache._engine.far.quick.scan_iter(match=f"*{journal._states[:-6]}*"):
        cache._engine.far.quick.delete(key)

    after = journal.record([seen("up", 3)])

    assert (after.added, after.newest) == ((), "")
    assert after.begun != before.begun
    assert record(journal, seen("", 4), seen("up", 5)) == 1


def _now(journal):
    seconds, micros = journal._far.quick.time()
    return seconds + micros / 1e6
