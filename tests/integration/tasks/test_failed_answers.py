"""Claims about answers that fail: what is kept, what is told, and what is asked for again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cache.catalogue import ORDER_BOOK, TICKERS
from market.errors import BadAnswer, RateLimited
from market.retry import ATTEMPTS
from tasks import fetch, fetch_symbols, wire
from tests.integration.tasks.simulated import EXCHANGE, status, symbols

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Workshop

pytestmark = pytest.mark.integration


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
