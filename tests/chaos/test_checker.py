from __future__ import annotations

import math

import pytest

from tests.chaos.checker import BOUND_S, LONGEST_CALL_S, check, percentile
from tests.chaos.history import Event, Made
from tests.chaos.run import AGREE_WITHIN_S, DOUBTED_FOR_S, agreed_in_time, differences

LIFE_UNTIL = 1_000.0


def write(process, at, value, *, key="source|a", took=0.001, **more: object):
    """Process `process` stored `value`."""
    fields = {"fresh": True, "fresh_until": LIFE_UNTIL, "proved": True, "call": "put", **more}
    return Event(
        process=process, what="write", key=key, value=value, invoked=at, returned=at + took, **fields
    )


def read(process, at, value, *, key="source|a", took=0.001, **more: object):
    """Process `process` was served `value`, fresh unless told otherwise."""
    fields = {"fresh": True, "fresh_until": LIFE_UNTIL, "proved": True, "call": "get", **more}
    return Event(process=process, what="read", key=key, value=value, invoked=at, returned=at + took, **fields)


def expire(process, at, *, key="source|a", took=0.001, **more: object):
    """Process `process` expired the key."""
    return Event(
        process=process, what="expire", call="expire", key=key, invoked=at, returned=at + took, **more
    )


def rules(*events: Event, **more: object):
    """The rules that this history breaks."""
    verdict = check(sorted(events, key=lambda event: event.invoked), **more)
    return [violation.rule for violation in verdict.violations]


def test_a_history_in_which_all_is_well_passes():
    """Writes are read, expired ones are stale, new ones fresh again."""
    history = (
        write(0, 1.0, "v1"),
        read(1, 1.1, "v1"),
        expire(0, 2.0),
        read(0, 2.1, "v1", fresh=False),
        read(1, 2.001, "v1"),
        write(1, 3.0, "v2"),
        read(0, 3.0 + BOUND_S, "v2"),
    )

    assert rules(*history) == []


@pytest.mark.parametrize("change", [expire(0, 2.0), write(0, 2.0, "v2")], ids=["expire", "put"])
def test_an_old_value_fresh_in_another_process_after_the_bound_is_found(change):
    """Within the bound it is allowed, and measured; after it, it is not."""
    within = (write(0, 1.0, "v1"), change, read(1, 2.0 + BOUND_S - 0.1, "v1"))
    after = (write(0, 1.0, "v1"), change, read(1, 2.1 + BOUND_S, "v1"))

    assert rules(*within) == []
    assert rules(*after) == ["old"]
    assert check(within).lags_s == [pytest.approx(BOUND_S - 0.101)]


def test_a_process_must_heed_its_own_changes_at_once():
    """There is no bound for oneself."""
    assert rules(write(1, 1.0, "v1"), expire(0, 2.0), read(0, 2.01, "v1")) == ["own"]


def test_a_value_that_another_makes_unaware_of_the_change_has_the_bound_of_others():
    """It was cut off and still had the old input, as it may for a second; then it is nobody's to serve."""
    cut_off = {"owing": True, "far": False}
    made = (
        write(1, 1.0, "s1"),
        expire(0, 2.0),
        write(
            1, 2.2, "m1", key="middle|a", made_at=2.2, inputs=(Made("source|a", "s1", LIFE_UNTIL),), **cut_off
        ),
    )

    assert rules(*made, read(0, 2.3, "m1", key="middle|a")) == []
    assert rules(*made, read(0, 2.1 + BOUND_S, "m1", key="middle|a")) == ["own derived"]


def test_a_value_written_while_it_was_invalidated_may_be_either():
    """The order of overlapping calls is not known, so neither outcome is wrong."""
    overlapping = write(1, 1.95, "v1", took=0.1)

    assert rules(overlapping, expire(0, 2.0), read(0, 5.0, "v1")) == []


def test_a_computation_that_began_before_the_invalidation_is_old_even_if_stored_after_it():
    """The moment of computing counts, not that of storing."""
    slow = write(1, 1.9, "v1", took=0.5, made_at=1.95)

    assert rules(slow, expire(0, 2.0), read(1, 4.0, "v1")) == ["old"]


def test_a_value_derived_from_something_old_is_old_at_any_depth():
    """The lineage is followed through every input."""
    history = (
        write(0, 1.0, "s1"),
        write(1, 1.1, "m1", key="middle|a", made_at=1.1, inputs=(Made("source|a", "s1", LIFE_UNTIL),)),
        expire(0, 2.0),
        write(2, 2.2, "n1", key="next|a", made_at=2.2, inputs=(Made("middle|a", "m1", LIFE_UNTIL),)),
        read(3, 5.0, "n1", key="next|a"),
    )

    assert rules(*history) == ["old derived"]


def test_a_value_made_without_an_input_is_old_once_the_input_is_invalidated():
    """An input that was not there is an input all the same."""
    made = write(1, 1.0, "m1", key="middle|a", made_at=1.0, inputs=(Made("source|a", "", 0.0),))

    assert rules(made, expire(0, 2.0), read(1, 5.0, "m1", key="middle|a")) == ["old derived"]


def test_a_change_that_could_not_reach_redis_counts_from_its_settlement():
    """Readers whose Redis was well cannot know before; afterwards the bound runs."""
    early = (
        write(0, 1.0, "v1"),
        expire(0, 2.0, owing=True, far=False),
        read(0, 4.0, "v2", owing=True),
        read(1, 5.0, "v1"),
        read(0, 6.0, "v2"),
        read(0, 7.0, "v2"),
    )
    late = (*early, read(1, 6.1 + BOUND_S, "v1"))

    assert rules(*early) == []
    assert rules(*late) == ["old away"]


def test_readers_that_lost_redis_too_are_told_through_memcached():
    """Maker and reader share a sound Memcached, so the bound runs from the change itself."""
    history = (
        write(0, 1.0, "v1"),
        expire(0, 2.0, owing=True, far=False),
        read(1, 2.1 + BOUND_S, "v1", far=False, proved=False),
    )

    assert rules(*history) == ["old away"]
    assert rules(*history[:2], read(1, 9.0, "v1", far=False, near=False)) == []


def test_a_reader_that_loses_redis_later_is_told_from_then_on():
    """Until then Redis was its truth; it had proved that it heard everything, and may for a second more."""
    history = (
        write(0, 1.0, "v1"),
        expire(0, 2.0, owing=True, far=False),
        read(1, 5.0, "v1"),
        read(1, 6.0, "v1", far=False),
        read(1, 5.9 + BOUND_S, "v1", far=False),
    )

    assert rules(*history) == []
    assert rules(*history, read(1, 6.1 + BOUND_S, "v1", far=False)) == ["old away"]


def test_a_call_that_raises_or_takes_too_long_is_found():
    """Both are told with the call."""
    raised = Event(process=0, what="raised", call="get", error="Boom()", invoked=1.0, returned=1.1)

    assert rules(raised) == ["raised"]
    assert rules(read(0, 1.0, "v1", took=LONGEST_CALL_S + 0.1)) == ["slow"]


def test_a_value_that_outlives_an_input_is_found():
    """The hierarchy holds for what was seen at the computation."""
    inputs = (Made("source|a", "s1", 10.0),)

    assert rules(write(0, 1.0, "m1", key="middle|a", fresh_until=10.5, inputs=inputs)) == ["hierarchy"]
    assert rules(write(0, 1.0, "m1", key="middle|a", fresh_until=10.0, inputs=inputs)) == []


def test_a_reader_told_of_a_longer_life_than_was_written_is_found():
    """Promotion copies the remaining life."""
    assert rules(write(0, 1.0, "v1", fresh_until=9.0), read(1, 2.0, "v1", fresh_until=9.5)) == ["promotion"]


def test_processes_that_say_different_things_are_told_apart():
    """What only one of them serves as fresh counts, what is about to end does not."""
    one = {"at": 0.0, "fresh": {"a": ("v1", 1, math.inf), "b": ("v2", 2, 0.0)}}
    other = {"at": 0.0, "fresh": {"a": ("v3", 3, math.inf)}}

    assert differences([one, one]) == {}
    assert differences([one, other]) == {"a": ["v1", "v3"]}
    assert differences([one, {"at": 0.0, "fresh": {}}]) == {"a": ["v1", "-"]}


def test_a_process_may_doubt_what_redis_says_for_a_while_after_it_is_well():
    """But not for longer, and neither may it say anything else, nor call fresh what Redis does not."""
    well_s, late_s = 1.5, 1.5 + DOUBTED_FOR_S
    doubted, contradicted, unknown = ({"a": said} for said in (["-", "v1"], ["v0", "v1"], ["v1", "-"]))

    assert late_s > AGREE_WITHIN_S
    assert agreed_in_time(well_s, late_s, doubted)
    assert not agreed_in_time(well_s, late_s + 0.1, doubted)
    assert not agreed_in_time(well_s, late_s, contradicted)
    assert not agreed_in_time(well_s, late_s, unknown)
    assert not agreed_in_time(None, None, {})


def test_a_percentile_is_one_of_the_values():
    """And of nothing it is zero."""
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([], 0.99) == 0.0
