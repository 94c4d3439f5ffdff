"""Claims about the task that measures betas, over real servers and the simulated exchange."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cache.catalogue import BETA, DASHBOARD, UNIVERSE
from tasks import beta, fetch, fetch_symbols, plain, publish

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Workshop

pytestmark = pytest.mark.integration

EXCHANGE = "simulated"
BTC = "BTC/USDT:USDT"


def test_betas_come_from_candles_alone_are_shown_and_not_measured_twice(workshop: Workshop) -> None:
    """Both windows from what is cached, the exchange unasked; a second run finds nothing new to do."""
    fetch.universe(EXCHANGE)
    cache = workshop.house.cache
    symbols = plain.symbols_of(cache.get(UNIVERSE.key(exchange=EXCHANGE)).value)
    for timeframe in ("5m", "30m"):
        fetch_symbols.candles(EXCHANGE, timeframe, symbols)
    workshop.forget_messages()
    keys = {timeframe: BETA.key(exchange=EXCHANGE, timeframe=timeframe) for timeframe in ("5m", "1h")}

    beta.beta(EXCHANGE)

    measured = {timeframe: cache.get(key) for timeframe, key in keys.items()}
    for timeframe, bars in (("5m", 288), ("1h", 168)):
        entry = measured[timeframe]
        assert entry.state == "fresh"
        assert set(entry.value["symbols"]) == set(symbols)
        assert {one["ols"]["n"] for one in entry.value["symbols"].values()} == {bars}
        assert entry.value["symbols"][BTC]["ols"]["beta"] == pytest.approx(1)
    assert [task for task, _ in workshop.queued("critical")] == ["tasks.publish.dashboard"]

    workshop.forget_messages()
    beta.beta(EXCHANGE)
    assert {timeframe: cache.get(key).version for timeframe, key in keys.items()} == {
        timeframe: entry.version for timeframe, entry in measured.items()
    }
    assert workshop.queued("critical") == []

    publish.dashboard()
    shown = json.loads(cache.get(DASHBOARD.key(view="data")).value["body"])
    assert shown["beta"][EXCHANGE]["1h"]["symbols"][BTC]["beta"] == 1
    assert "beta" not in shown["missing"]
