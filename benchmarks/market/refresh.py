"""M3: everything of all symbols fetched once, as fast as the exchange allows, by workers with one bucket."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.cache.rules import Measured
from benchmarks.cache.workers import Worker, kept
from benchmarks.market.inputs import BARS, EXCHANGE, SYMBOLS, TIMEFRAMES
from cache import TieredCache
from market.exchanges import connect
from settings import Settings
from tasks.gate import shared_limiter
from tests.support.servers import redis_server
from tests.support.simulator import running_simulator

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.market.ground import Ground
    from market.exchange import Exchange
    from tests.support.simulator import RunningSimulator

WORKERS, THREADS = 2, 8
TIMEOUT_S = 10.0
PATIENCE_S = 120.0
ROUNDS, TOGETHER_EVERY = 7, 4


class Refresh(NamedTuple):
    """One refresh: percent of the allowed rate that it used, seconds, requests, and those refused."""

    share: float
    took_s: float
    requests: float
    refused: float


def measure(ground: Ground) -> list[Measured]:
    """A refresh by one worker and one by two, in turns; the simulator counts and judges."""
    symbols = 20 if ground.effort.quick else SYMBOLS
    redis = ground.stack.enter_context(redis_server())
    simulator = ground.stack.enter_context(running_simulator(symbols=symbols))
    team = [ground.stack.enter_context(Worker()) for _ in range(WORKERS)]
    for worker in team:
        worker.send(opened, f"{redis.url}/0", simulator.url, symbols)
    assert {worker.answer(PATIENCE_S) for worker in team} == {symbols}
    alone: list[Refresh] = []
    together: list[Refresh] = []
    for number in range(1 if ground.effort.quick else ROUNDS):
        alone.append(_refresh(team[:1], simulator))
        if number % TOGETHER_EVERY == 0:
            together.append(_refresh(team, simulator))
    return [
        Measured(
            "M3",
            f"refresh of {symbols} symbols, {alone[0].requests:,.0f} requests: share of the allowed rate",
            "%",
            [one.share for one in alone],
            further={
                "s for all of it": [one.took_s for one in alone],
                f"% with {WORKERS} workers that share the bucket": [one.share for one in together],
                "refused": [one.refused for one in (*alone, *together)],
            },
        )
    ]


def opened(redis_url: str, simulator_url: str, symbols: int) -> int:
    """In a worker: connect as a worker of the system does, and learn what there is to fetch."""
    cache = TieredCache.from_settings(Settings(redis_url=redis_url), clock=time.time)
    kept["exchanges"] = connect(
        EXCHANGE,
        simulator_url=simulator_url,
        timeout_s=TIMEOUT_S,
        clock=time.time,
        limiter=partial(shared_limiter, cache=cache, clock=time.time),
    )
    kept["symbols"] = [each.symbol for each in kept["exchanges"].get().universe(symbols)]
    # Threads that last, each with its client and its connection, as a worker's are.
    kept["pool"] = ThreadPoolExecutor(THREADS)
    all_there = threading.Barrier(THREADS)
    assert all(kept["pool"].map(lambda _: _begun(all_there), range(THREADS)))
    return len(kept["symbols"])


def _begun(all_there: threading.Barrier) -> Any:
    all_there.wait()
    return kept["exchanges"].get().order_book(kept["symbols"][0])


def fetched(part: int, parts: int) -> list[float]:
    """In a worker: fetch its part of everything; returns when it began and ended, by everybody's clock."""
    calls = list(chain.from_iterable(map(_calls, kept["symbols"])))[part::parts]
    began = time.monotonic()
    for answer in kept["pool"].map(_called, calls):
        assert answer is not None
    return [began, time.monotonic(), len(calls)]


def _called(call: Callable[[Exchange], Any]) -> Any:
    return call(kept["exchanges"].get())


def _candles(exchange: Exchange, *, symbol: str, timeframe: str) -> Any:
    return exchange.candles(symbol, timeframe, bars=BARS)


def _calls(symbol: str) -> list[Callable[[Exchange], Any]]:
    """Everything that there is to ask of one symbol, a call of the exchange each."""
    return [
        *(partial(_candles, symbol=symbol, timeframe=timeframe) for timeframe in TIMEFRAMES),
        lambda exchange: exchange.order_book(symbol),
        lambda exchange: exchange.trades(symbol, None),
        lambda exchange: exchange.open_interest(symbol, None),
        lambda exchange: exchange.long_short(symbol),
    ]


def _refresh(team: list[Worker], simulator: RunningSimulator) -> Refresh:
    # No rest before it: what was saved up meanwhile would count for it.
    simulator.reset_requests()
    for part, worker in enumerate(team):
        worker.send(fetched, part, len(team))
    answers = [worker.answer(PATIENCE_S) for worker in team]
    counted = simulator.requests()
    took = max(end for _, end, _ in answers) - min(begin for begin, _, _ in answers)
    assert counted["total"] >= sum(calls for _, _, calls in answers), counted
    statuses = [one["outcomes"] for one in counted["paths"].values()]
    refused = sum(count for one in statuses for status, count in one.items() if status != "200")
    share = 100 * counted["total"] / took / _per_second(simulator)
    return Refresh(share, took, counted["total"], max(refused, counted["limited"]))


def _per_second(simulator: RunningSimulator) -> float:
    limit = simulator.state()["limit"]
    return float(limit["requests"] / limit["window_s"])
