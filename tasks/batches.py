"""Fetching many things of one exchange in one task: what arrives is kept, told early, and accounted for."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog

from cache.catalogue import EXCHANGE_STATUS
from market.errors import BadAnswer, LimiterFull, MarketError, SymbolUnknown
from tasks import status
from tasks.announce import derive_symbols, request_publish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cache import Put
    from tasks.wire import House

log = structlog.get_logger()

TELL_AFTER_S = 0.15
"""No answer waits longer than this for the rest of its batch before it is stored and announced."""


class Arrivals:
    """Answers on their way into the cache, in groups that are small enough to be young."""

    def __init__(self, house: House, exchange: str, timeframes: list[str]) -> None:
        self._house = house
        self._exchange = exchange
        self._timeframes = timeframes
        self._waiting: list[Put] = []
        self._since = 0.0

    def add(self, put: Put) -> None:
        """Take one answer; tell of all that wait once the oldest has waited long enough."""
        now = self._house.clock()
        if not self._waiting:
            self._since = now
        self._waiting.append(put)
        if now - self._since >= TELL_AFTER_S:
            self.tell()

    def tell(self) -> None:
        """Store what waits with one write, and have it scored."""
        if not self._waiting:
            return
        told, self._waiting = self._waiting, []
        self._house.cache.put_many(told)
        derive_symbols(self._exchange, [put.key.params["symbol"] for put in told], self._timeframes)


def fetch_each(
    house: House,
    exchange: str,
    source: str,
    symbols: list[str],
    *,
    timeframes: list[str],
    fetch: Callable[[str], Put],
) -> None:
    """Fetch symbol by symbol. One bad symbol is skipped; what concerns the whole exchange ends the batch.

    `timeframes` are those whose candles change by it. What did arrive is kept in either case.
    """
    arrivals = Arrivals(house, exchange, timeframes)
    try:
        for symbol in symbols:
            with _skipping(symbol), reported(house, exchange, source):
                arrivals.add(fetch(symbol))
    finally:
        arrivals.tell()


@contextmanager
def reported(house: House, exchange: str, source: str) -> Iterator[None]:
    """Keep the source's status: good after the block, or what went wrong in it."""
    key = EXCHANGE_STATUS.key(exchange=exchange, source=source)
    entry = house.cache.get(key)
    previous: Any = entry.value if entry else None
    try:
        yield
    except (SymbolUnknown, LimiterFull):
        raise  # the symbol's trouble, or our own haste: nothing that is wrong with the exchange
    except MarketError as error:
        now = house.clock()
        house.cache.put(key, status.after_failure(previous, error, now), as_of=now)
        request_publish(house.cache)
        raise
    now = house.clock()
    current = status.after_success(previous, now)
    if status.needs_writing(previous, current):
        house.cache.put(key, current, as_of=now)


@contextmanager
def _skipping(symbol: str) -> Iterator[None]:
    """Let the batch go on when the trouble is this symbol's alone; what concerns the exchange ends it."""
    try:
        yield
    except (SymbolUnknown, BadAnswer) as error:
        log.warning(
            "symbol_skipped",
            exchange=error.exchange,
            symbol=symbol,
            error=type(error).__name__,
            reason=error.reason,
        )
