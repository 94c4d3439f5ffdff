"""Claims about the way from what is fetched to the dashboard, each task run here over real servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cache.catalogue import CANDLES, CONFLUENCE, DASHBOARD, INDICATORS, TICKERS
from market.model import Candles
from tasks import derive, fetch, fetch_symbols, publish
from tests.integration.tasks.simulated import BTC, EXCHANGE, published, status, symbols

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Workshop

pytestmark = pytest.mark.integration


def candles(timeframe: str = "1m") -> Any:
    """The key of Bitcoin's candles."""
    return CANDLES.key(exchange=EXCHANGE, symbol=BTC, timeframe=timeframe)


def test_tickers_are_stored_with_the_exchange_s_time_and_published(workshop: Workshop) -> None:
    """One entry for all symbols; whoever shows them is told."""
    names = symbols(workshop)
    workshop.forget_messages()

    fetch.tickers(EXCHANGE)

    entry = workshop.house.cache.get(TICKERS.key(exchange=EXCHANGE))
    assert set(entry.value["tickers"]) == set(names)
    assert entry.as_of == min(row["as_of"] for row in entry.value["tickers"].values())
    assert [task for task, _ in workshop.queued("critical")] == ["tasks.publish.dashboard"]
    assert status(workshop, "tickers")["state"] == "ok"


def test_candles_are_loaded_whole_then_scored(workshop: Workshop) -> None:
    """Five hundred closed bars, and the scorer is told which timeframe changed."""
    symbols(workshop)
    workshop.forget_messages()

    fetch_symbols.candles(EXCHANGE, "1m", [BTC])

    entry = workshop.house.cache.get(candles())
    series = Candles.from_plain(entry.value)
    assert len(series) == 500
    assert entry.as_of == series.closed_at <= workshop.house.clock()
    assert workshop.queued("normal") == [("tasks.derive.symbols", [EXCHANGE, [BTC], ["1m"]])]


def test_a_stale_series_is_loaded_whole_again(workshop: Workshop) -> None:
    """What the cache doubts is not built on."""
    symbols(workshop)
    fetch_symbols.candles(EXCHANGE, "1m", [BTC])
    workshop.house.cache.expire(candles())
    workshop.forget_messages()
    workshop.simulator.reset_requests()

    fetch.plan(EXCHANGE)
    fetch_symbols.candles(EXCHANGE, "1m", [BTC])

    planned = [args[2] for task, args in workshop.queued("fetch.slow") if args[1] == "1m"]
    assert any(BTC in names for names in planned)
    assert workshop.house.cache.get(candles()).state == "fresh"


def test_scores_and_the_dashboard_follow_from_what_was_fetched(workshop: Workshop) -> None:
    """The whole way, by hand: complete, live, and with the numbers that are cached."""
    names = symbols(workshop)
    fetch.tickers(EXCHANGE)
    for timeframe in ("1m", "5m", "30m", "4h"):
        fetch_symbols.candles(EXCHANGE, timeframe, names)
    fetch_symbols.order_books(EXCHANGE, names)
    derive.symbols(EXCHANGE, names, ["1m", "5m", "30m", "4h"])

    publish.dashboard()

    document = published(workshop)
    assert (document["state"], document["reason"], document["simulated"]) == ("live", None, True)
    assert [row["symbol"] for row in document["symbols"]] == names
    for row in document["symbols"]:
        score = workshop.house.cache.get(CONFLUENCE.key(exchange=EXCHANGE, symbol=row["symbol"])).value
        assert row["score"] == round(score["score"], 2)
        assert len(row["spark"]) == 32
    assert document["overview"]["missing"] == {}
    assert [row["symbol"] for row in published(workshop, "mobile")["symbols"]] == names


def test_expiring_candles_makes_the_dashboard_stale_at_once(workshop: Workshop) -> None:
    """The cascade runs through the whole graph, and only where it should."""
    names = symbols(workshop)
    fetch.tickers(EXCHANGE)
    fetch_symbols.candles(EXCHANGE, "1m", names)
    derive.symbols(EXCHANGE, names, ["1m"])
    publish.dashboard()

    workshop.house.cache.expire(candles())

    def state(key: Any) -> str:
        word: str = workshop.house.cache.get(key).state
        return word

    assert state(INDICATORS.key(exchange=EXCHANGE, symbol=BTC, timeframe="1m")) == "stale"
    assert state(CONFLUENCE.key(exchange=EXCHANGE, symbol=BTC)) == "stale"
    assert state(DASHBOARD.key(view="data")) == "stale"
    assert state(TICKERS.key(exchange=EXCHANGE)) == "fresh"
    assert state(CONFLUENCE.key(exchange=EXCHANGE, symbol=names[-1])) == "fresh"


def test_a_score_without_its_order_book_says_so(workshop: Workshop) -> None:
    """The component is null, its weight goes to the others, and the input is named."""
    symbols(workshop)
    fetch_symbols.candles(EXCHANGE, "1m", [BTC])

    derive.symbols(EXCHANGE, [BTC], ["1m"])

    score = workshop.house.cache.get(CONFLUENCE.key(exchange=EXCHANGE, symbol=BTC)).value
    assert score["components"]["orderbook"]["score"] is None
    assert "not received yet" in score["components"]["orderbook"]["reason"]
    assert score["score"] is not None


def test_the_sweep_scores_what_was_lost_on_the_way(workshop: Workshop) -> None:
    """No message told the scorer of these candles."""
    names = symbols(workshop)
    fetch_symbols.candles(EXCHANGE, "1m", names)

    derive.sweep(EXCHANGE)

    scores = workshop.house.cache.get_many([CONFLUENCE.key(exchange=EXCHANGE, symbol=name) for name in names])
    assert len(scores) == len(names)
    assert all(entry.value["score"] is not None for entry in scores.values())
