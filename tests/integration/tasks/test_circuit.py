"""An exchange that does not answer, as all sources of it learn of that."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from cache.catalogue import EXCHANGE_STATUS
from market.circuit import RULES
from market.errors import ExchangeUnavailable
from tasks import fetch

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Workshop

pytestmark = pytest.mark.integration

EXCHANGE = "simulated"


def test_an_open_circuit_is_shown_with_the_first_reason_and_asks_nothing(workshop: Workshop) -> None:
    """Tickers fail until it is open; the funding rates are not asked for, and their status says why."""
    fetch.universe(EXCHANGE)
    workshop.simulator.fault("500")
    for _ in range(RULES.failures):
        with suppress(ExchangeUnavailable):
            fetch.tickers(EXCHANGE)
    workshop.simulator.reset_requests()

    with pytest.raises(ExchangeUnavailable):
        fetch.funding(EXCHANGE)

    tickers, funding = (
        workshop.house.cache.get(EXCHANGE_STATUS.key(exchange=EXCHANGE, source=source)).value
        for source in ("tickers", "funding")
    )
    assert workshop.simulator.requests()["total"] == 0
    assert (funding["state"], funding["reason"]) == ("unreachable", tickers["reason"])
    assert "500" in funding["reason"]
    now = workshop.house.clock()
    assert all(now < one["retry_at"] <= now + RULES.first_s for one in (tickers, funding))
