"""Claims about what the plan asks for: everything that is absent, once, in its own queue, within the rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from cache.catalogue import UNIVERSE
from market.exchange import Exchange
from tasks import fetch
from tests.integration.tasks.simulated import EXCHANGE, planned, symbols, value

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Workshop

pytestmark = pytest.mark.integration


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


def test_the_plan_asks_for_every_input_of_every_symbol(workshop: Workshop) -> None:
    """Each in a batch of its own task; candles in one for each timeframe."""
    names = symbols(workshop)

    sent = planned(workshop)

    assert {task: sorted(set(asked)) for task, asked in sent.items()} == dict.fromkeys(
        ("candles", "order_books", "trades", "open_interest", "long_short"), sorted(names)
    )


def test_prices_and_funding_of_a_new_exchange_are_asked_for_at_once(workshop: Workshop) -> None:
    """A first period that nobody has to wait for; later the schedule alone asks."""
    fetch.universe(EXCHANGE)
    sent = {name for name, _ in workshop.queued("fetch.fast")}
    workshop.forget_messages()
    fetch.universe(EXCHANGE)

    assert {"tasks.fetch.tickers", "tasks.fetch.funding", "tasks.fetch.plan"} <= sent
    assert {name for name, _ in workshop.queued("fetch.fast")} == {"tasks.fetch.plan"}


def test_more_symbols_than_the_rate_carries_are_warned_of(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the number that it does carry: nobody has to find out why everything is late."""
    monkeypatch.setattr(Exchange, "calls_within", lambda *_: 30)

    with capture_logs() as logs:
        fetch.universe(EXCHANGE)

    (warned,) = [one for one in logs if one["event"] == "rate_too_small"]
    assert warned["symbols"] == len(symbols(workshop))
    assert 0 < warned["carries"] < warned["symbols"]
    assert value(workshop, UNIVERSE.key(exchange=EXCHANGE))["carries"] == warned["carries"]
