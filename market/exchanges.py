"""One `Exchange` per thread, made when the thread first asks, and how to get there from an id."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from market.clients import Clients, make_client
from market.exchange import PATIENCE_S, Exchange
from market.exchange_clock import ExchangeClock
from market.limiter import rate_of
from market.token_bucket import TokenBucket

if TYPE_CHECKING:
    from collections.abc import Callable

    from market.limiter import Limiter, Rate


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


def connect(
    id: str,  # noqa: A002 - what it is called everywhere, ccxt included
    *,
    simulator_url: str,
    timeout_s: float,
    clock: Callable[[], float],
    limiter: Callable[[str, Rate], Limiter] | None = None,
) -> Exchanges:
    """An exchange by its id; loads ccxt, asks nothing yet.

    `limiter` makes its limiter; without it this process has one of its own, as if nobody else asked.
    Raise `NotSupported` for an id that ccxt does not know.
    """
    clients = Clients(id, make=lambda: make_client(id, simulator_url=simulator_url, timeout_s=timeout_s))
    rate = rate_of(id, rate_limit_ms=clients.get().rateLimit)
    made = TokenBucket(exchange=id, rate=rate, clock=clock) if limiter is None else limiter(id, rate)
    return Exchanges(id=id, clients=clients, limiter=made, clock=clock)
