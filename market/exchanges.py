"""One `Exchange` per thread, made when the thread first asks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from market.exchange import PATIENCE_S, Exchange
from market.exchange_clock import ExchangeClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from market.clients import Clients
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
