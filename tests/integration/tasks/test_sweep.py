"""What the sweep repairs when a message was lost on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cache.catalogue import CONFLUENCE, INDICATORS
from tasks import derive, fetch, fetch_symbols

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Workshop

pytestmark = pytest.mark.integration

EXCHANGE, BTC = "simulated", "BTC/USDT:USDT"


def test_a_view_that_was_lost_is_made_up_for_although_its_score_is_young(workshop: Workshop) -> None:
    """Books keep the score coming, but of an old view: else it waited for the next close, up to 4 h."""
    view = INDICATORS.key(exchange=EXCHANGE, symbol=BTC, timeframe="1m")
    score = CONFLUENCE.key(exchange=EXCHANGE, symbol=BTC)
    cache = workshop.house.cache
    fetch.universe(EXCHANGE)
    fetch_symbols.candles(EXCHANGE, "1m", [BTC])
    derive.symbols(EXCHANGE, [BTC], ["1m"])
    cache.expire(view)
    derive.symbols(EXCHANGE, [BTC], [])
    assert cache.get(score).state == "stale"

    derive.sweep(EXCHANGE)

    assert cache.get(view).state == "fresh"
    assert cache.get(score).state == "fresh"
