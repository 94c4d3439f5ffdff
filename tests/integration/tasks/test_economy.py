"""Claims about how often an exchange is asked: as often as the schedule needs, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import celeryconfig
from cache.catalogue import CANDLES
from market.model import Candles
from tasks import app, fetch, fetch_symbols
from tasks.base import TICK_HEADER
from tests.integration.tasks.flow import Flow, flowing
from tests.support.simulator import running_simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.tasks.conftest import Workshop

pytestmark = pytest.mark.integration

EXCHANGE = "simulated"
BTC = "BTC/USDT:USDT"
SYMBOLS = 20
STRETCH_S = 60
ROUND_S, TICKERS_S, FUNDING_S, BOOKS_S, MINUTES_S = 2, 5, 60, 15, 60
PATHS = {
    "tickers": STRETCH_S // TICKERS_S + STRETCH_S // FUNDING_S,
    "orderbook": SYMBOLS * STRETCH_S // BOOKS_S,
    "recent-trade": SYMBOLS * STRETCH_S // BOOKS_S,
    "kline": SYMBOLS * STRETCH_S // 60,
    "open-interest": SYMBOLS * STRETCH_S // MINUTES_S,
    "account-ratio": SYMBOLS * STRETCH_S // MINUTES_S,
}
"""The least number of requests that the stretch needs: funding rates come with the tickers' path."""


@pytest.fixture(scope="module")
def simulator() -> Iterator[Any]:
    """A market that limits as strictly as the exchange it speaks like."""
    with running_simulator(symbols=SYMBOLS) as running:
        yield running


@pytest.fixture
def flow(workshop: Workshop) -> Iterator[Flow]:
    """Twenty symbols, whose slow inputs have a period of a minute."""
    yield from flowing(
        workshop, symbol_limit=SYMBOLS, period_open_interest=MINUTES_S, period_long_short=MINUTES_S
    )


def answered(flow: Flow) -> dict[str, int]:
    """Requests by the last part of their path."""
    paths = flow.workshop.simulator.requests()["paths"]
    return {path.rsplit("/", 1)[1]: counted["requests"] for path, counted in paths.items()}


def test_a_settled_market_costs_what_its_schedule_needs(flow: Flow) -> None:
    """Each call as often as its period says, to 5 % in all; and never one too many for the limit."""
    fetch.universe(EXCHANGE)
    fetch.funding(EXCHANGE)
    flow.work()
    flow.pass_time((100 - flow.clock()) % 300)  # no candle of five minutes closes in the stretch
    for _ in range(2):  # what came due since, and while that was fetched
        fetch.plan(EXCHANGE)
        flow.work()
    flow.workshop.simulator.reset_requests()
    begin = flow.clock()

    for second in range(1, STRETCH_S + 1):
        flow.pass_time(begin + second - flow.clock())
        for task, period_s in ((fetch.tickers, TICKERS_S), (fetch.funding, FUNDING_S), (fetch.plan, ROUND_S)):
            if second % period_s == 0:
                task(EXCHANGE)
        flow.work()

    counted = flow.workshop.simulator.requests()
    assert counted["limited"] == 0
    assert counted["total"] == pytest.approx(sum(PATHS.values()), rel=0.05), (answered(flow), PATHS)
    for path, least in PATHS.items():
        assert answered(flow)[path] == pytest.approx(least, rel=0.1, abs=1), path


def test_a_second_beat_adds_no_request(flow: Flow) -> None:
    """Whatever both tick at once or shortly after each other is run once in its period."""
    flow.pass_time((75 - flow.clock()) % 300)  # no candle closes in what follows
    fetch.universe(EXCHANGE)
    flow.work()
    flow.workshop.simulator.reset_requests()
    lines = [line for line in celeryconfig.SCHEDULE if line.task.startswith("tasks.fetch.")]
    assert len(lines) == 4

    counts = []
    for beats in (1, 2):
        flow.pass_time(BOOKS_S)
        flow.forget_ticks()
        for line in lines:
            for _ in range(beats):
                app.tasks[line.task].apply((EXCHANGE,), headers={TICK_HEADER: line.period_s})
        flow.work()
        counts.append(answered(flow))
        flow.workshop.simulator.reset_requests()

    once, twice = (
        {path: count[path] for path in ("tickers", "orderbook", "recent-trade")} for count in counts
    )
    assert once == twice
    assert once["orderbook"] == SYMBOLS


def test_a_late_correction_overwrites_what_was_known(flow: Flow) -> None:
    """The newest known candle is read again with the next: an exchange may correct it after its close."""
    fetch.universe(EXCHANGE)
    fetch_symbols.candles(EXCHANGE, "1m", [BTC])
    key = CANDLES.key(exchange=EXCHANGE, symbol=BTC, timeframe="1m")
    entry = flow.house.cache.get(key)
    assert entry is not None
    series = Candles.from_plain(entry.value)
    provisional = {**entry.value, "close": (series.close[:-1].tobytes() + (series.close[-1:] * 2).tobytes())}
    flow.house.cache.put(key, provisional, as_of=series.closed_at)

    flow.pass_time(60)
    fetch_symbols.candles(EXCHANGE, "1m", [BTC])

    corrected = Candles.from_plain(flow.house.cache.get(key).value)  # type: ignore[union-attr]
    assert corrected.closed_at == series.closed_at + 60
    assert corrected.close[-2] == series.close[-1]
