from __future__ import annotations

import pytest

from tests.chaos import telling
from tests.chaos.checker import percentile
from tests.chaos.plan import plan
from tests.chaos.run import run

pytestmark = pytest.mark.integration

# A few of the many that `make chaos` runs.
SEEDS = (4, 12)
# Measured below 1 ms, and almost half a second where messages are lost and canaries tell; between them is
# what a machine may stand still for meanwhile.
SEEN_WITHIN_S = 0.2


@pytest.mark.parametrize("seed", SEEDS)
def test_no_fault_makes_an_old_value_fresh_or_a_call_fail(seed):
    """Eight processes at random while servers and connections break: every promise of the cache is kept."""
    report = run(seed, seconds=6.0)

    assert report.passed, telling.what_broke(report, each=2)
    assert report.verdict.fresh_reads > 1000


def test_where_nothing_breaks_changes_are_seen_within_milliseconds():
    """Without faults the delay until others see a change is that of a message."""
    report = run(1, seconds=3.0, only="nothing")

    assert report.passed, telling.what_broke(report, each=2)
    assert len(report.verdict.lags_s) > 100
    assert percentile(report.verdict.lags_s, 0.99) <= SEEN_WITHIN_S


def test_processes_that_do_not_heed_messages_are_found_out():
    """The whole apparatus can fail: with one line of the cache disabled it does."""
    report = run(1, seconds=4.0, only="nothing", deaf=True)

    assert "old" in {violation.rule for violation in report.verdict.violations}


def test_a_seed_stands_for_one_schedule():
    """The same seed gives the same calls and faults, another seed others."""
    assert plan(1, 5.0) == plan(1, 5.0)
    assert plan(1, 5.0) != plan(2, 5.0)
