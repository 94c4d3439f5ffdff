"""Wiring: what the tasks of one process work with, built on first use, after any fork."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from celery.signals import setup_logging, worker_process_shutdown, worker_shutdown

import logs
import settings as environment
from cache import TieredCache
from cache.catalogue import CONFLUENCE, INDICATORS, UNIVERSE
from market.exchanges import connect
from tasks import plain

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


_houses: dict[int, House] = {}
_building = threading.Lock()


def _begin_anew() -> None:
    """In a forked child: what the parent built is not ours, and its lock may be held for ever."""
    global _building  # noqa: PLW0603 - the lock of the parent must not be waited for
    _houses.clear()
    _building = threading.Lock()


os.register_at_fork(after_in_child=_begin_anew)


def _build() -> House:
    configuration = environment.load()
    cache = TieredCache.from_settings(configuration, clock=time.time)
    if configuration.enable_cache_warming:
        _warm(cache, configuration)
    return House(settings=configuration, cache=cache, clock=time.time, exchange=_exchanges(configuration))


def _warm(cache: TieredCache, configuration: Settings) -> None:
    """Load what every round of a worker begins with: the symbols, their last views and scores."""
    universes = [UNIVERSE.key(exchange=exchange) for exchange in configuration.exchanges]
    cache.warm(universes)
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


def _exchanges(configuration: Settings) -> Callable[[str], Exchange]:
    """Each thread's view of an exchange by its id, connected on first use."""
    connected: dict[str, Exchanges] = {}
    lock = threading.Lock()

    def exchange(name: str) -> Exchange:
        with lock:
            if name not in connected:
                connected[name] = connect(
                    name,
                    simulator_url=configuration.simulator_url(),
                    timeout_s=configuration.exchange_timeout,
                    clock=time.time,
                )
        return connected[name].get()

    return exchange


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
