"""The exchanges of one process: one client per thread, with limiter, clock and markets shared by all."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from market.clients import Clients, make_client
from market.exchange import Exchange
from market.exchange_clock import ExchangeClock
from market.limiter import TokenBucket, rate_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from settings import Settings


class Exchanges:
    """Gives the calling thread its view of an exchange; what may be shared between threads is."""

    def __init__(self, *, settings: Settings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._shared: dict[str, _Shared] = {}
        self._local = threading.local()

    def __call__(self, exchange: str) -> Exchange:
        """The exchange as this thread may use it."""
        mine: dict[str, Exchange] = self._local.__dict__
        if exchange not in mine:
            mine[exchange] = self._build(exchange)
        return mine[exchange]

    def _build(self, exchange: str) -> Exchange:
        shared = self._shared_by_threads(exchange)
        return Exchange(
            id=exchange,
            client=shared.clients.get(),
            limiter=shared.limiter,
            clock=self._clock,
            markets=shared.clients.markets,
            exchange_clock=shared.exchange_clock,
        )

    def _shared_by_threads(self, exchange: str) -> _Shared:
        with self._lock:
            if exchange not in self._shared:
                self._shared[exchange] = _Shared(exchange, self._settings, self._clock)
            return self._shared[exchange]


class _Shared:
    """What the threads of one process share of an exchange."""

    def __init__(self, exchange: str, settings: Settings, clock: Callable[[], float]) -> None:
        self.clients = Clients(
            exchange,
            make=lambda: make_client(
                exchange,
                simulator_url=f"http://{settings.bind_address}:{settings.simulator_port}",
                timeout_s=settings.exchange_timeout,
            ),
        )
        rate = rate_of(exchange, rate_limit_ms=self.clients.get().rateLimit)
        self.limiter = TokenBucket(exchange=exchange, rate=rate, clock=clock)
        self.exchange_clock = ExchangeClock()
