"""Wiring: what the tasks of one process work with, built on first use, after any fork."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from celery.concurrency import get_implementation
from celery.concurrency.thread import TaskPool as ThreadPool
from celery.signals import (
    celeryd_init,
    setup_logging,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_shutdown,
)

import logs
import settings as environment
from cache import TieredCache
from cache.catalogue import CONFLUENCE, INDICATORS, MARKETS, UNIVERSE
from market.exchanges import connect
from tasks import plain
from tasks.gate import shared_limiter

if TYPE_CHECKING:
    from collections.abc import Callable

    from market.exchange import Exchange
    from market.exchanges import Exchanges
    from settings import Settings


@dataclass(frozen=True, slots=True)
class House:
    """One process's collaborators; `clock` gives Unix seconds, `exchange` this thread's client by id."""

    settings: Settings
    cache: TieredCache
    clock: Callable[[], float]
    exchange: Callable[[str], Exchange]


def house() -> House:
    """The collaborators of this process; a forked child builds its own."""
    found = _houses.get(os.getpid())
    if found is None:
        with _building:
            found = _houses.get(os.getpid()) or _houses.setdefault(os.getpid(), _build())
    return found


FETCHER = "fetcher"
"""The worker that asks the exchanges, as the Procfile names it."""

_houses: dict[int, House] = {}
_building = threading.Lock()
_role = "tasks"


def _begin_anew() -> None:
    """In a forked child: what the parent built is not ours, and its lock may be held for ever."""
    global _building  # noqa: PLW0603 - the lock of the parent must not be waited for
    _houses.clear()
    _building = threading.Lock()


os.register_at_fork(after_in_child=_begin_anew)


def _build() -> House:
    configuration = environment.load()
    cache = TieredCache.from_settings(configuration, clock=time.time, name=_role)
    if configuration.enable_cache_warming:
        _warm(cache, configuration)
    exchange = _exchanges(configuration, cache)
    return House(settings=configuration, cache=cache, clock=time.time, exchange=exchange)


def _warm(cache: TieredCache, configuration: Settings) -> None:
    """Load what every round of a worker begins with, and what workers of its role used most lately.

    A fetcher begins with the symbols, others with the last views and scores of them as well.
    """
    universes = [UNIVERSE.key(exchange=exchange) for exchange in configuration.exchanges]
    cache.warm(universes)
    cache.warm()
    if _role == FETCHER:
        return
    keys = [
        key
        for universe, entry in cache.get_many(universes).items()
        for symbol in plain.symbols_of(entry.value)
        for key in (
            CONFLUENCE.key(exchange=universe.exchange, symbol=symbol),
            *(
                INDICATORS.key(exchange=universe.exchange, symbol=symbol, timeframe=timeframe)
                for timeframe in configuration.timeframes
            ),
        )
    ]
    cache.warm(keys)


def _exchanges(configuration: Settings, cache: TieredCache) -> Callable[[str], Exchange]:
    """Each thread's view of an exchange by its id, connected on first use."""
    connected: dict[str, Exchanges] = {}
    lock = threading.Lock()

    def exchange(name: str) -> Exchange:
        with lock:
            if name not in connected:
                connected[name] = connect(
                    name,
                    simulator_url=configuration.simulator_url(name),
                    timeout_s=configuration.exchange_timeout,
                    clock=time.time,
                    limiter=partial(shared_limiter, cache=cache, clock=time.time),
                )
        found = connected[name].get()
        _share_markets(cache, found)
        return found

    return exchange


def _share_markets(cache: TieredCache, exchange: Exchange) -> None:
    """Let it have the markets that another process has loaded since: then it need not ask for them."""
    entry = cache.get(MARKETS.key(exchange=exchange.id))
    if entry is not None and entry.as_of > (exchange.markets_as_of() or 0.0):
        exchange.adopt_markets(entry.value["markets"], as_of=entry.as_of)


@celeryd_init.connect(weak=False)  # type: ignore[untyped-decorator]
def _take_role(sender: str, **_: Any) -> None:
    """Be counted under the first part of the worker's name, such as "scorer" of scorer@host.

    The second of several fetchers is fetcher2@host, and one of them all the same.
    """
    global _role  # noqa: PLW0603 - a process has one, and learns of it before it builds its house
    _role = sender.partition("@")[0].rstrip("0123456789")


@worker_process_init.connect(weak=False)  # type: ignore[untyped-decorator]
def _begin_warm(sender: str, **_: Any) -> None:
    """A prefork child is warm before it takes its first task."""
    _take_role(sender)
    if environment.load().enable_cache_warming:
        house()


@worker_init.connect(weak=False)  # type: ignore[untyped-decorator]
def _begin_warm_with_threads(sender: Any, **_: Any) -> None:
    """So is a worker of threads, which is its own only process."""
    if get_implementation(sender.pool_cls) is ThreadPool and environment.load().enable_cache_warming:
        _configure_logs()  # this comes before Celery asks for it
        house()


@setup_logging.connect(weak=False)  # type: ignore[untyped-decorator]
def _configure_logs(loglevel: Any = None, **_: Any) -> None:
    del loglevel  # one variable decides for all processes
    logs.configure(environment.load().log_level)


@worker_process_shutdown.connect(weak=False)  # type: ignore[untyped-decorator]
@worker_shutdown.connect(weak=False)  # type: ignore[untyped-decorator]
def close(**_: Any) -> None:
    """Close what this process opened, if it did; the next `house()` builds anew."""
    found = _houses.pop(os.getpid(), None)
    if found is not None:
        found.cache.close()
