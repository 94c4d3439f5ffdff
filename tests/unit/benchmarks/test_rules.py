from __future__ import annotations

import pytest

from benchmarks.cache.reach import REACH
from benchmarks.cache.rules import AtLeast, AtMost, Exactly, Measured, TimesFaster, WithinTimes, judged


def row(ours, *, peers=None, further=None, at_least=()):
    """A row in microseconds."""
    return Measured("B0", "a row", "us", ours, peers or {}, further or {}, at_least)


@pytest.mark.parametrize(("limit", "reached"), [(2, True), (1.9, False)])
def test_a_limit_is_held_against_the_median(limit, reached):
    """One slow round does not decide."""
    assert judged(row([1, 2, 50]), (AtMost(limit, "us"),)).reached is reached


@pytest.mark.parametrize(("limit", "reached"), [(2, True), (2.1, False)])
def test_a_share_is_held_against_the_median_too(limit, reached):
    """As much as is wanted in the middle round is enough; a figure of its own name is looked up."""
    assert judged(row([1, 2, 50]), (AtLeast(limit, "%"),)).reached is reached
    assert judged(row([0], further={"share": [1, 2, 50]}), (AtLeast(limit, "%", "share"),)).reached is reached


def test_a_guarantee_is_held_against_every_round():
    """The middle one would have passed."""
    assert AtMost(2).holds(row([1, 2, 3]))
    assert not AtMost(2, always=True).holds(row([1, 2, 3]))


def test_a_count_must_be_the_same_in_every_round():
    """Once two computations is not one computation."""
    assert Exactly(1).holds(row([1, 1, 1]))
    assert not Exactly(1).holds(row([1, 1, 2]))


def test_a_further_figure_has_its_own_limit():
    """The main figure does not speak for it."""
    measured = row([1], further={"p99": [7]})

    assert AtMost(10, "ms", "p99").holds(measured)
    assert not AtMost(5, "ms", "p99").holds(measured)


def test_a_figure_that_was_not_measured_is_not_reached():
    """Nothing passes by being left out."""
    measured = row([1])

    for rule in (
        AtMost(5, "ms", "p99"),
        AtLeast(5, "%", "share"),
        Exactly(1, figure="trips"),
        WithinTimes(2, "a"),
        TimesFaster(2, "a"),
    ):
        assert not rule.holds(measured)


@pytest.mark.parametrize(("times", "reached"), [(2.0, True), (2.1, False)])
def test_faster_means_that_the_peer_takes_so_many_times_as_long(times, reached):
    """10 against 20 is twice as fast, not more."""
    assert judged(row([10], peers={"slow": [20]}), (TimesFaster(times, "slow"),)).reached is reached


@pytest.mark.parametrize(("ours", "reached"), [(114, True), (116, False)])
def test_within_means_that_we_take_at_most_so_many_times_as_long(ours, reached):
    """1.15 times 100."""
    assert judged(row([ours], peers={"raw": [100]}), (WithinTimes(1.15, "raw"),)).reached is reached


def test_ratios_are_taken_round_by_round():
    """A machine that is slow for both in one round changes neither ratio."""
    measured = row([10, 100, 10], peers={"slow": [20, 200, 30]})

    ratio = judged(measured, ()).ratios["slow"]

    assert (ratio.median, ratio.smallest, ratio.largest) == (2, 2, 3)


def test_ratios_of_unequal_rounds_are_those_of_the_medians():
    """A peer that is measured once has one ratio."""
    ratio = judged(row([10, 20, 30], peers={"once": [40]}), ()).ratios["once"]

    assert (ratio.median, ratio.smallest, ratio.largest) == (2, 2, 2)


def test_a_zero_of_ours_has_no_ratio():
    """Nothing takes so many times as long as nothing."""
    assert judged(row([0], peers={"some": [3]}), (AtMost(1),)).ratios == {}


def test_every_rule_must_hold_and_those_that_do_not_are_named():
    """The verdict says which."""
    rules = (AtMost(250, "ns"), TimesFaster(1.9, "near"), TimesFaster(10, "far"))

    result = judged(row([100], peers={"near": [150], "far": [2000]}), rules)

    assert not result.reached
    assert result.missed == (">= 1.9x near",)
    assert result.reach == "<= 250 ns, >= 1.9x near, >= 10x far"


def test_without_a_rule_there_is_no_verdict():
    """A figure for information is neither reached nor missed."""
    assert judged(row([1]), ()).reached is None


def test_every_row_of_the_design_has_a_reach():
    """None can be forgotten."""
    numbers = (1, *range(3, 19), 22)

    assert tuple(REACH) == tuple(f"B{number}" for number in numbers)
    assert all(REACH.values())
