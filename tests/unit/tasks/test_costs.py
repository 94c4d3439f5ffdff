"""Claims about what an exchange's calls are taken to cost."""

from __future__ import annotations

import pytest

from tasks.costs import UNKNOWN, Costs


def test_what_nobody_has_fetched_yet_counts_one() -> None:
    """Of another exchange, or another input of the same."""
    costs = Costs()
    costs.note("kraken", "candles", 3.0)

    assert costs.of("kraken", "trades") == costs.of("okx", "candles") == UNKNOWN


def test_the_first_measured_cost_counts_and_later_ones_move_it() -> None:
    """A first load takes several pages; after some updates of one page the plan believes these."""
    costs = Costs()
    costs.note("okx", "candles", 4.0)
    assert costs.of("okx", "candles") == 4.0

    for _ in range(30):
        costs.note("okx", "candles", 0.5)

    assert costs.of("okx", "candles") == pytest.approx(0.5, abs=0.01)


def test_what_needed_no_call_says_nothing() -> None:
    """A series without a newly closed candle is not asked for."""
    costs = Costs()
    costs.note("okx", "candles", 0.5)

    costs.note("okx", "candles", 0.0)

    assert costs.of("okx", "candles") == 0.5
