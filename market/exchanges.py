"""One `Exchange` per thread, made when the thread first asks, and how to get there from an id."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from market.clients import Clients, make_client
from market.exchange import PATIENCE_S, Exchange
from market.exchange_clock import ExchangeClock
from market.limiter import TokenBucket, rate_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from market.limiter import Limiter


class Exchanges:
    """The threads' own `Exchange`s, which share the markets, the limiter and the clock's offset."""

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - what it is called everywhere, ccxt included
        clients: Clients,
        limiter: Limiter,
        clock: Callable[[], float],
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.id = id
        self._clients = clients
        self._limiter = limiter
        self._clock = clock
        self._patience_s = patience_s
        self._exchange_clock = ExchangeClock()
        self._local = threading.local()

    def get(self) -> Exchange:
        """The calling thread's exchange."""
        exchange: Exchange | None = getattr(self._local, "exchange", None)
        if exchange is None:
            exchange = self._local.exchange = Exchange(
                id=self.id,
                client=self._clients.get(),
                limiter=self._limiter,
                clock=self._clock,
                markets=self._clients.markets,
                exchange_clock=self._exchange_clock,
                patience_s=self._patience_s,
            )
        return exchange


def connect(id: str, *, simulator_url: str, timeout_s: float, clock: Callable[[], float]) -> Exchanges:  # noqa: A002
    """An exchange by its id with a limiter for this process; loads ccxt, asks nothing yet.

    Raise `NotSupported` for an id that ccxt does not know.
    """
    clients = Clients(id, make=lambda: make_client(id, simulator_url=simulator_url, timeout_s=timeout_s))
    rate = rate_of(id, rate_limit_ms=clients.get().rateLimit)
    return Exchanges(
        id=id, clients=clients, limiter=TokenBucket(exchange=id, rate=rate, clock=clock), clock=clock
    )
