"""Claims about each task, run in this process over real servers."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from cache.catalogue import (
    CANDLES,
    CONFLUENCE,
    DASHBOARD,
    EXCHANGE_STATUS,
    INDICATORS,
    ORDER_BOOK,
    TICKERS,
    UNIVERSE,
)
from market.errors import BadAnswer, RateLimited
from market.model import Candles
from market.retry import ATTEMPTS
from tasks import derive, fetch, fetch_symbols, plain, publish, wire

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Workshop

pytestmark = pytest.mark.integration

EXCHANGE = "simulated"
BTC = "BTC/USDT:USDT"


def symbols(workshop: Workshop) -> list[str]:
    """The tracked symbols, fetched if they are not there yet."""
    key = UNIVERSE.key(exchange=EXCHANGE)
    if workshop.house.cache.get(key) is None:
        fetch.universe(EXCHANGE)
    return plain.symbols_of(workshop.house.cache.get(key).value)


def status(workshop: Workshop, source: str) -> Any:
    """What is known of one source of the exchange."""
    return workshop.house.cache.get(EXCHANGE_STATUS.key(exchange=EXCHANGE, source=source)).value


def candles(timeframe: str = "1m") -> Any:
    """The key of Bitcoin's candles."""
    return CANDLES.key(exchange=EXCHANGE, symbol=BTC, timeframe=timeframe)


def published(workshop: Workshop, view: str = "data") -> dict[str, Any]:
    """The document that the web would send."""
    body: dict[str, Any] = json.loads(workshop.house.cache.get(DASHBOARD.key(view=view)).value["body"])
    return body


def test_without_a_universe_the_plan_asks_for_one_and_nothing_else(workshop: Workshop) -> None:
    """Once, however often the plan runs meanwhile."""
    fetch.plan(EXCHANGE)
    fetch.plan(EXCHANGE)

    assert workshop.queued("fetch.fast") == [("tasks.fetch.universe", [EXCHANGE])]
    assert workshop.queued("fetch.slow") == []


def test_a_message_reaches_its_own_queue_alone(workshop: Workshop) -> None:
    """Queues that share an exchange and a routing key would each get a copy."""
    fetch.plan(EXCHANGE)

    queues = ("critical", "high", "normal", "low", "fetch.fast", "fetch.slow")
    assert {queue: len(workshop.queued(queue)) for queue in queues} == {
        "critical": 0, "high": 0, "normal": 0, "low": 0, "fetch.fast": 1, "fetch.slow": 0,
    }  # fmt: skip


def test_the_plan_sends_every_absent_series_once(workshop: Workshop) -> None:
    """A claim keeps the next tick from asking for the same again."""
    names = symbols(workshop)
    workshop.forget_messages()

    fetch.plan(EXCHANGE)
    fetch.plan(EXCHANGE)

    sent = workshop.queued("fetch.slow")
    series = [(args[1], name) for task, args in sent if task == "tasks.fetch.candles" for name in args[2]]
    books = [name for task, args in sent if task == "tasks.fetch.order_books" for name in args[1]]
    assert sorted(series) == sorted((tf, name) for tf in ("1m", "5m", "30m", "4h") for name in names)
    assert sorted(books) == sorted(names)


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


def test_a_refused_request_keeps_the_last_prices_and_tells_why(workshop: Workshop) -> None:
    """The good value stays; the status carries the exchange's word for it."""
    symbols(workshop)
    fetch.tickers(EXCHANGE)
    before = workshop.house.cache.get(TICKERS.key(exchange=EXCHANGE))
    workshop.simulator.fault("429", path="/v5/market/tickers", count=1, retry_after_s=1)

    with pytest.raises(RateLimited):
        fetch.tickers(EXCHANGE)

    told = status(workshop, "tickers")
    assert told["state"] == "rate_limited"
    assert told["last_success_at"] is not None
    assert told["retry_at"] is not None
    assert workshop.house.cache.get(TICKERS.key(exchange=EXCHANGE)).value == before.value


def test_a_bad_symbol_is_skipped_and_the_rest_of_its_batch_kept(workshop: Workshop) -> None:
    """Truncated answers, however often it is asked, cost one symbol of this round."""
    names = symbols(workshop)
    workshop.simulator.fault("truncated", path="/v5/market/orderbook", count=ATTEMPTS)

    fetch_symbols.order_books(EXCHANGE, names)

    found = workshop.house.cache.get_many([ORDER_BOOK.key(exchange=EXCHANGE, symbol=name) for name in names])
    assert len(found) == len(names) - 1


def test_what_failed_by_accident_is_asked_for_again_at_once(workshop: Workshop) -> None:
    """One truncated answer, or one broken connection, costs a moment and no symbol."""
    names = symbols(workshop)
    workshop.simulator.fault("truncated", path="/v5/market/orderbook", count=1)
    workshop.simulator.fault("reset", path="/v5/market/tickers", count=1)

    fetch_symbols.order_books(EXCHANGE, names)
    fetch.tickers(EXCHANGE)

    found = workshop.house.cache.get_many([ORDER_BOOK.key(exchange=EXCHANGE, symbol=name) for name in names])
    assert len(found) == len(names)
    assert status(workshop, "tickers")["state"] == "ok"


def test_a_batch_ends_when_the_exchange_as_a_whole_fails(workshop: Workshop) -> None:
    """The rest is not asked for: it would only make things worse."""
    names = symbols(workshop)
    workshop.simulator.fault("429", path="/v5/market/orderbook", count=1, retry_after_s=30)
    workshop.simulator.reset_requests()

    with pytest.raises(RateLimited):
        fetch_symbols.order_books(EXCHANGE, names)

    assert workshop.simulator.requests()["paths"]["/v5/market/orderbook"]["requests"] == 1


def test_a_universe_of_html_is_a_bad_answer_and_replaces_nothing(workshop: Workshop) -> None:
    """The symbols that were tracked stay tracked."""
    names = symbols(workshop)
    workshop.simulator.fault("html", path="/v5/market/instruments-info", count=ATTEMPTS)

    with pytest.raises(BadAnswer):
        fetch.universe(EXCHANGE)

    assert symbols(workshop) == names
    assert status(workshop, "universe")["state"] == "bad_answer"


def test_a_delisted_symbol_leaves_with_all_that_was_derived_from_it(workshop: Workshop) -> None:
    """Its candles, views and score are gone; the others stay."""
    names = symbols(workshop)
    fetch_symbols.candles(EXCHANGE, "1m", names)
    derive.symbols(EXCHANGE, names, ["1m"])
    gone = names[-1]
    workshop.simulator.fault("delisted", symbol=gone.split(":")[0].replace("/", ""))

    fetch.universe(EXCHANGE)

    cache = workshop.house.cache
    assert symbols(workshop) == names[:-1]
    assert cache.get(CANDLES.key(exchange=EXCHANGE, symbol=gone, timeframe="1m")) is None
    assert cache.get(INDICATORS.key(exchange=EXCHANGE, symbol=gone, timeframe="1m")) is None
    assert cache.get(CONFLUENCE.key(exchange=EXCHANGE, symbol=gone)) is None
    assert cache.get(CONFLUENCE.key(exchange=EXCHANGE, symbol=BTC)) is not None


def test_a_bad_answer_to_one_symbol_is_not_the_exchange_s_trouble(workshop: Workshop) -> None:
    """The others were answered well: the source stays ok."""
    names = symbols(workshop)
    workshop.simulator.fault("truncated", path="/v5/market/orderbook", count=ATTEMPTS)

    fetch_symbols.order_books(EXCHANGE, names)

    assert status(workshop, "order_book")["state"] == "ok"


def test_a_batch_of_bad_answers_is_the_exchange_s_trouble(workshop: Workshop) -> None:
    """Not one good answer: the source says so, and the task has failed."""
    names = symbols(workshop)
    workshop.simulator.fault("html", path="/v5/market/orderbook")

    with pytest.raises(BadAnswer):
        fetch_symbols.order_books(EXCHANGE, names)

    assert status(workshop, "order_book")["state"] == "bad_answer"


def test_nothing_is_asked_while_the_exchange_wants_to_be_left_alone(workshop: Workshop) -> None:
    """What it said in Retry-After holds for every process, also for one that was just started."""
    symbols(workshop)
    workshop.simulator.fault("429", path="/v5/market/tickers", count=1, retry_after_s=30)
    with pytest.raises(RateLimited):
        fetch.tickers(EXCHANGE)
    workshop.simulator.reset_requests()
    wire.close()

    fetch.tickers(EXCHANGE)

    assert workshop.simulator.requests()["total"] == 0


def test_a_universe_that_failed_is_asked_for_again_soon(workshop: Workshop) -> None:
    """Not only with the next hour, while the dashboard shows the failure."""
    symbols(workshop)
    workshop.simulator.fault("html", path="/v5/market/instruments-info", count=ATTEMPTS)
    with pytest.raises(BadAnswer):
        fetch.universe(EXCHANGE)
    workshop.forget_messages()

    fetch.plan(EXCHANGE)

    assert ("tasks.fetch.universe", [EXCHANGE]) in workshop.queued("fetch.fast")


def test_a_run_that_finds_the_publishing_busy_asks_for_another(workshop: Workshop) -> None:
    """What it was asked for may have come too late for the run that is under way."""
    with workshop.house.cache.lock("tasks.publish.dashboard", 30):
        publish.dashboard()

    assert [task for task, _ in workshop.queued("critical")] == ["tasks.publish.dashboard"]


def test_a_delisted_symbol_leaves_the_dashboard_standing(workshop: Workshop) -> None:
    """The page goes on with the others; it is never gone."""
    names = symbols(workshop)
    fetch.tickers(EXCHANGE)
    fetch_symbols.candles(EXCHANGE, "1m", names)
    derive.symbols(EXCHANGE, names, ["1m"])
    publish.dashboard()
    workshop.simulator.fault("delisted", symbol=names[-1].split(":")[0].replace("/", ""))

    fetch.universe(EXCHANGE)
    assert workshop.house.cache.get(DASHBOARD.key(view="data")) is not None
    publish.dashboard()

    assert [row["symbol"] for row in published(workshop)["symbols"]] == names[:-1]


@pytest.mark.usefixtures("workshop")
def test_threads_that_begin_at_once_share_one_house() -> None:
    """Each further one would have a limiter, listeners and connections of its own."""
    wire.close()
    with ThreadPoolExecutor(8) as threads:
        houses = list(threads.map(lambda _: wire.house(), range(8)))

    assert len({id(house) for house in houses}) == 1


def test_two_runs_of_one_task_do_not_overlap(workshop: Workshop) -> None:
    """The second finds the lock and leaves the exchange alone."""
    symbols(workshop)
    workshop.simulator.reset_requests()

    with workshop.house.cache.lock(f"tasks.fetch.tickers:{EXCHANGE}", 30) as held:
        assert held.held
        fetch.tickers(EXCHANGE)

    assert workshop.simulator.requests()["total"] == 0


@pytest.mark.parametrize(("warming", "tier"), [("true", "l1"), ("false", "l3")])
def test_a_worker_begins_with_what_others_left(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, warming: str, tier: str
) -> None:
    """With warming a new process has the scores in its memory before its first task asks for them."""
    names = symbols(workshop)
    fetch_symbols.candles(EXCHANGE, "1m", names)
    derive.symbols(EXCHANGE, names, ["1m"])
    monkeypatch.setenv("ENABLE_CACHE_WARMING", warming)

    wire.close()
    entry = wire.house().cache.get(CONFLUENCE.key(exchange=EXCHANGE, symbol=BTC))

    assert entry is not None
    assert entry.tier == tier
