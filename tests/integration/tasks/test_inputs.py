"""Claims about the inputs of a score: fetched, joined to what is known, late, and missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from cache.catalogue import (
    BREADTH,
    CANDLES,
    CONFLUENCE,
    EXCHANGE_STATUS,
    FUNDING,
    LONG_SHORT,
    OPEN_INTEREST,
    TICKERS,
    TRADES,
)
from market.exchange import Exchange
from market.inputs import Funding, Trades
from market.retry import ATTEMPTS
from market.score_inputs import INPUTS
from tasks import derive, fetch, fetch_symbols
from tasks.setbacks import FIRST_REST_S
from tests.integration.tasks.flow import Flow, flowing
from tests.integration.tasks.simulated import BTC, EXCHANGE, of, planned, symbols, value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.tasks.conftest import Workshop

pytestmark = pytest.mark.integration


@pytest.fixture
def flow(workshop: Workshop) -> Iterator[Flow]:
    """A market whose time the test lets pass."""
    yield from flowing(workshop)


def test_trades_are_joined_to_those_that_are_known(flow: Flow) -> None:
    """Every trade of the last minutes once, although two answers had some in common."""
    workshop = flow.workshop
    symbols(workshop)
    fetch_symbols.trades(EXCHANGE, [BTC])
    before = Trades.from_plain(EXCHANGE, BTC, flow.house.cache.get(of(TRADES)).value)  # type: ignore[union-attr]
    flow.pass_time(10)

    fetch_symbols.trades(EXCHANGE, [BTC])

    entry = flow.house.cache.get(of(TRADES))
    assert entry is not None
    after = Trades.from_plain(EXCHANGE, BTC, entry.value)
    assert after.since <= before.as_of < after.as_of == entry.as_of
    assert sum(after.time <= before.time[-1]) == sum(before.time >= after.time[0])
    assert after.time[-1] > before.time[-1]


@pytest.mark.parametrize(
    ("task", "kind", "field"),
    [("open_interest", OPEN_INTEREST, "amount"), ("long_short", LONG_SHORT, "ratio")],
)
def test_an_input_is_stored_as_of_when_it_was_true_and_has_its_symbols_scored(
    workshop: Workshop, task: str, kind: Any, field: str
) -> None:
    """For the whole batch."""
    names = symbols(workshop)
    workshop.forget_messages()

    getattr(fetch_symbols, task)(EXCHANGE, names)

    entries = workshop.house.cache.get_many([of(kind, name) for name in names])
    assert len(entries) == len(names)
    for entry in entries.values():
        assert entry.value[field]
        assert entry.as_of == entry.value["as_of"] <= workshop.house.clock()
    scored = [arguments for name, arguments in workshop.queued("normal") if name == "tasks.derive.symbols"]
    assert sorted(symbol for _, some, _ in scored for symbol in some) == sorted(names)
    assert value(workshop, EXCHANGE_STATUS.key(exchange=EXCHANGE, source=task))["state"] == "ok"


def test_funding_rates_come_with_one_call_for_all_symbols(workshop: Workshop) -> None:
    """And with it the interval that they are for."""
    names = symbols(workshop)
    fetch.funding(EXCHANGE)  # loads the intervals, once an hour
    workshop.simulator.reset_requests()

    fetch.funding(EXCHANGE)

    rates = value(workshop, FUNDING.key(exchange=EXCHANGE))["funding"]
    assert set(rates) == set(names)
    assert all(Funding.from_plain(EXCHANGE, name, rate).rate_8h is not None for name, rate in rates.items())
    assert workshop.simulator.requests()["total"] == 1


def test_the_breadth_follows_from_the_tickers_and_not_at_each_of_them(workshop: Workshop) -> None:
    """It is true as of the tickers, and renewed at most every fifteen seconds."""
    names = symbols(workshop)
    fetch.tickers(EXCHANGE)
    key = BREADTH.key(exchange=EXCHANGE)
    first = workshop.house.cache.get(key)
    fetch.tickers(EXCHANGE)

    again, rows = workshop.house.cache.get(key), value(workshop, TICKERS.key(exchange=EXCHANGE))["tickers"]
    assert first is not None
    assert again is not None
    assert again.version == first.version
    above = sum(row["last"] > row["open_24h"] for row in rows.values())
    assert (first.value["above"], first.value["symbols"]) == (above, len(names))
    assert first.value["as_of"] == first.as_of


def test_what_an_exchange_lacks_is_noted_once_and_never_asked_for(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scores say that it has none; its status says nothing, for nothing failed."""
    lacking = ("open_interest", "funding")
    offered = tuple(name for name in INPUTS if name not in lacking)
    monkeypatch.setattr(Exchange, "inputs", lambda _: offered)

    with capture_logs() as lines:
        fetch.universe(EXCHANGE)
        fetch.universe(EXCHANGE)
    sent = planned(workshop)
    workshop.simulator.reset_requests()
    fetch.funding(EXCHANGE)
    fetch_symbols.candles(EXCHANGE, "1m", [BTC])
    derive.symbols(EXCHANGE, [BTC], ["1m"])

    noted = [line for line in lines if line["event"] == "inputs_lacking"]
    assert [(line["exchange"], line["inputs"]) for line in noted] == [(EXCHANGE, list(lacking))]
    assert set(sent) == {"candles", "order_books", "trades", "long_short"}
    assert "/v5/market/tickers" not in workshop.simulator.requests()["paths"]
    for source in lacking:
        assert value(workshop, EXCHANGE_STATUS.key(exchange=EXCHANGE, source=source)) is None
    score = value(workshop, of(CONFLUENCE))
    parts = {
        part["name"]: part["reason"]
        for name in ("orderflow", "sentiment")
        for part in score["components"][name]["sub_scores"]
    }
    assert "simulated has no open interest" in parts["open_interest"]
    assert "simulated has no funding rates" in parts["funding"]


def test_a_series_that_is_late_is_carried_on_and_one_that_is_doubted_loaded_whole(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was true five minutes ago is true as far as it goes; what was expired is not built on."""
    symbols(flow.workshop)
    fetch_symbols.candles(EXCHANGE, "1m", [BTC])
    key = CANDLES.key(exchange=EXCHANGE, symbol=BTC, timeframe="1m")
    whole: list[str] = []
    load = Exchange.candles
    monkeypatch.setattr(
        Exchange, "candles", lambda self, *args, **bars: whole.append(args[0]) or load(self, *args, **bars)
    )
    first = flow.house.cache.get(key)

    flow.pass_time(300)
    fetch_symbols.candles(EXCHANGE, "1m", [BTC])
    late = flow.house.cache.get(key)
    assert first is not None
    assert late is not None
    assert (whole, late.as_of) == ([], first.as_of + 300)

    flow.house.cache.expire(key)
    fetch_symbols.candles(EXCHANGE, "1m", [BTC])
    assert whole == [BTC]


def test_what_is_answered_badly_again_and_again_is_asked_for_more_seldom(flow: Flow) -> None:
    """One symbol of one input rests; everything else goes on."""
    workshop = flow.workshop
    names = symbols(workshop)
    workshop.simulator.fault("html", path="/v5/market/orderbook", symbol="BTCUSDT", count=ATTEMPTS)

    fetch_symbols.order_books(EXCHANGE, names)
    resting = planned(workshop)
    flow.pass_time(FIRST_REST_S)
    rested = planned(workshop)

    assert "order_books" not in resting
    assert BTC in resting["trades"]
    assert BTC in rested["order_books"]
