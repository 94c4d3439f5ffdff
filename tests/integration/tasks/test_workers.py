"""Claims about workers: what their threads and tasks share, and what a new one begins with."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from cache.catalogue import CONFLUENCE, MARKETS, UNIVERSE
from tasks import derive, fetch, fetch_symbols, plain, publish, wire
from tests.integration.tasks.simulated import BTC, EXCHANGE, of, symbols, value

if TYPE_CHECKING:
    from cache import Key
    from tests.integration.tasks.conftest import Workshop

pytestmark = pytest.mark.integration


def score(symbol: str) -> Key:
    """The key of a score."""
    return of(CONFLUENCE, symbol)


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


def test_a_run_that_finds_the_publishing_busy_asks_for_another(workshop: Workshop) -> None:
    """What it was asked for may have come too late for the run that is under way."""
    with workshop.house.cache.lock("tasks.publish.dashboard", 30):
        publish.dashboard()

    assert [task for task, _ in workshop.queued("critical")] == ["tasks.publish.dashboard"]


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


def test_another_process_needs_no_list_of_markets(workshop: Workshop) -> None:
    """It has the one that the universe was made of from the cache."""
    names = symbols(workshop)
    assert value(workshop, MARKETS.key(exchange=EXCHANGE))["markets"]
    wire.close()
    workshop.simulator.reset_requests()

    wire.house().exchange(EXCHANGE).tickers(names)

    assert list(workshop.simulator.requests()["paths"]) == ["/v5/market/tickers"]


@pytest.mark.usefixtures("workshop")
@pytest.mark.parametrize(
    ("name", "role"), [("scorer@here.example", "scorer"), ("fetcher2@here.example", "fetcher")]
)
def test_a_worker_is_counted_under_its_name(name: str, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the Procfile names it, without the host and without the number that one of several has."""
    wire.close()
    monkeypatch.setattr(wire, "_role", wire._role)
    wire._take_role(name)

    cache = wire.house().cache

    (process,) = cache.stats_everywhere()["processes"].values()
    assert (process["role"], process["pid"]) == (role, os.getpid())


def test_a_fetcher_loads_what_fetchers_used_and_not_all_the_scores(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scorer's memory would be of no use to it."""
    monkeypatch.setattr(wire, "_role", "fetcher")
    fetch.universe(EXCHANGE)
    tracked = workshop.house.cache.get(UNIVERSE.key(exchange=EXCHANGE))
    used, unused = map(score, plain.symbols_of(tracked.value)[:2])  # type: ignore[union-attr]
    wire.close()
    earlier = wire.house().cache
    for key in (used, unused):
        earlier.put(key, 1)
    for _ in range(3):
        earlier.get(used)
    wire.close()

    memory = wire.house().cache._engine.tiers.memory

    assert memory.peek(used.text) is not None
    assert memory.peek(unused.text) is None
    assert memory.peek(f"universe|{EXCHANGE}") is not None
