"""Claims about renewing what is read often before it turns stale."""

from __future__ import annotations

import dataclasses
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from cache import TieredCache
from cache.catalogue import (
    CANDLES,
    CONFLUENCE,
    DASHBOARD,
    EXCHANGE_STATUS,
    FUNDING,
    INDICATORS,
    LONG_SHORT,
    OPEN_INTEREST,
    ORDER_BOOK,
    TICKERS,
    TRADES,
)
from tasks import refresh, wire
from tasks.announce import derive_symbols
from tests.integration.tasks.flow import Clock
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cache import Key
    from tests.integration.tasks.conftest import Workshop

pytestmark = pytest.mark.integration

EXCHANGE = "simulated"
QUEUES = ("critical", "high", "normal", "low", "fetch.fast", "fetch.slow")
OFTEN = 20


@dataclasses.dataclass
class Office:
    """Processes that share a clock in the test's hand; tasks run in whichever is at work."""

    workshop: Workshop
    clock: Clock
    houses: list[wire.House]

    def put(self, *keys: Key) -> None:
        """Store something under each key."""
        for key in keys:
            self.houses[0].cache.put(key, {"of": key.text})

    def read(self, *keys: Key, times: int = OFTEN) -> None:
        """Read each key so many times, and have that reported."""
        cache = self.houses[0].cache
        for _ in range(times):
            for key in keys:
                cache.get(key)
        assert cache._engine.census.report()

    def refresh_in(self, process: int) -> None:
        """Run the task in one of the processes."""
        wire._houses[os.getpid()] = self.houses[process]
        refresh.ahead()

    def sent(self) -> dict[str, list[tuple[str, list[Any]]]]:
        """The messages that wait, by queue."""
        queues = {queue: self.workshop.queued(queue) for queue in QUEUES}
        return {queue: messages for queue, messages in queues.items() if messages}


@pytest.fixture
def office(workshop: Workshop) -> Iterator[Office]:
    """Two processes on one Redis."""
    clock = Clock()
    houses = [
        dataclasses.replace(
            workshop.house,
            cache=TieredCache.from_settings(workshop.house.settings, clock=clock, name="scorer"),
            clock=clock,
        )
        for _ in range(2)
    ]
    workshop.forget_messages()
    workshop.shared.flushdb()
    for house in houses:
        eventually(lambda cache=house.cache: cache.health()["coherence"] == "proved", within_s=30)  # type: ignore[misc]
    own = wire._houses[os.getpid()]
    yield Office(workshop, clock, houses)
    wire._houses[os.getpid()] = own
    for house in houses:
        house.cache.close()


def score(symbol: str = "BTC/USDT:USDT", exchange: str = EXCHANGE) -> Key:
    """The key of a score."""
    return CONFLUENCE.key(exchange=exchange, symbol=symbol)


def test_what_is_read_often_is_renewed_once_although_two_processes_ask(office: Office) -> None:
    """Whoever runs first sends the one message; nobody sends it again."""
    office.put(score())
    office.read(score())
    office.clock.ahead += 25

    for process in (0, 1, 0, 1):
        office.refresh_in(process)

    assert office.sent() == {"normal": [("tasks.derive.symbols", [EXCHANGE, ["BTC/USDT:USDT"], []])]}


def test_each_kind_is_asked_of_the_task_that_makes_it(office: Office) -> None:
    """In that task's own queue."""
    symbol = {"exchange": EXCHANGE, "symbol": "BTC/USDT:USDT"}
    keys = {
        TICKERS.key(exchange=EXCHANGE): 55,
        FUNDING.key(exchange=EXCHANGE): 280,
        INDICATORS.key(**symbol, timeframe="5m"): 406,
        score(): 25,
        DASHBOARD.key(view="data"): 17,
    }

    for key, age_s in keys.items():
        office.put(key)
        office.clock.ahead += age_s
        office.read(key)
        office.refresh_in(0)

    assert office.sent() == {
        "critical": [("tasks.publish.dashboard", [])],
        "normal": [
            ("tasks.derive.symbols", [EXCHANGE, ["BTC/USDT:USDT"], ["5m"]]),
            ("tasks.derive.symbols", [EXCHANGE, ["BTC/USDT:USDT"], []]),
        ],
        "fetch.fast": [("tasks.fetch.tickers", [EXCHANGE]), ("tasks.fetch.funding", [EXCHANGE])],
    }


def test_what_regular_runs_renew_in_time_is_left_to_them(office: Office) -> None:
    """A system whose periods keep up gets not one message more."""
    key = score()
    office.put(key)

    for _ in range(8):
        office.read(key)
        office.clock.ahead += 15
        office.refresh_in(0)
        office.put(key)

    assert office.sent() == {}


def test_a_success_opens_the_way_for_the_next_time(office: Office) -> None:
    """The claim names the end of the life that is there."""
    key = score()
    for _ in range(2):
        office.put(key)
        office.read(key)
        office.clock.ahead += 25
        office.refresh_in(0)

    assert len(office.sent()["normal"]) == 2


def test_what_few_read_turns_stale_as_it_may(office: Office) -> None:
    """Nobody waits for it."""
    office.put(score())
    office.read(score(), times=2)
    office.clock.ahead += 25

    office.refresh_in(0)

    assert office.sent() == {}


def test_many_symbols_travel_in_one_message(office: Office) -> None:
    """And no more than a batch of them at a time; the next run takes the rest."""
    keys = [score(f"S{number:03}/USDT:USDT") for number in range(70)]
    office.put(*keys)
    office.read(*keys)
    office.clock.ahead += 25

    office.refresh_in(0)
    office.refresh_in(1)

    batches = [arguments[1] for _, arguments in office.sent()["normal"]]
    assert [len(batch) for batch in batches] == [50, 20]
    assert len({symbol for batch in batches for symbol in batch}) == 70


def test_an_exchange_that_wants_quiet_gets_it(office: Office) -> None:
    """Nor is one asked that is no longer in the settings; what is computed here may be computed."""
    rates = FUNDING.key(exchange=EXCHANGE)
    office.houses[0].cache.put(
        EXCHANGE_STATUS.key(exchange=EXCHANGE, source="funding"),
        {"state": "banned", "since": 0, "last_success_at": 0, "reason": "418", "retry_at": time.time() + 600},
    )
    office.put(rates, FUNDING.key(exchange="elsewhere"))
    office.read(rates, FUNDING.key(exchange="elsewhere"))
    office.clock.ahead += 280

    office.refresh_in(0)

    assert office.sent() == {}


def test_what_is_asked_symbol_by_symbol_is_left_to_the_plan(office: Office) -> None:
    """It is late only where the rate carries no more: asked for by two, nothing else would have a turn."""
    symbol = {"exchange": EXCHANGE, "symbol": "BTC/USDT:USDT"}
    keys = {
        ORDER_BOOK.key(**symbol): 55,
        TRADES.key(**symbol): 55,
        OPEN_INTEREST.key(**symbol): 800,
        LONG_SHORT.key(**symbol): 800,
        CANDLES.key(**symbol, timeframe="1m"): 86,
    }

    for key, age_s in keys.items():
        office.put(key)
        office.clock.ahead += age_s
        office.read(key)
        office.refresh_in(0)

    assert office.sent() == {}


def test_a_symbol_that_somebody_looks_at_is_scored_before_the_others(office: Office) -> None:
    """Seen from what web processes read: what the workers read themselves is no reason."""
    watched, worked_on = score("BTC/USDT:USDT"), score("ETH/USDT:USDT")
    office.put(watched, worked_on)
    office.read(worked_on)
    web = TieredCache.from_settings(office.workshop.house.settings, clock=office.clock, name="web")
    web.get(watched)
    assert web._engine.census.report()
    web.close()
    cache = office.houses[1].cache

    derive_symbols(cache, EXCHANGE, ["ETH/USDT:USDT", "BTC/USDT:USDT"], ["1m"])
    derive_symbols(cache, "elsewhere", ["BTC/USDT:USDT"], [])

    assert cache.watched((CONFLUENCE,)) == (watched,)
    assert office.sent() == {
        "high": [("tasks.derive.symbols", [EXCHANGE, ["BTC/USDT:USDT"], ["1m"]])],
        "normal": [
            ("tasks.derive.symbols", [EXCHANGE, ["ETH/USDT:USDT"], ["1m"]]),
            ("tasks.derive.symbols", ["elsewhere", ["BTC/USDT:USDT"], []]),
        ],
    }
