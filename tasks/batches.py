"""Fetching many things of one exchange in one task: what arrives is kept, told early, and accounted for."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog

from cache.catalogue import EXCHANGE_STATUS
from market.errors import BadAnswer, LimiterFull, MarketError, NotSupported, SymbolUnknown
from tasks import status
from tasks.announce import derive_symbols, request_publish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cache import Put
    from tasks.wire import House

log = structlog.get_logger()

NOT_THE_EXCHANGE = (SymbolUnknown, NotSupported, BadAnswer)
"""What goes wrong for one symbol while the others of its batch may well be answered."""

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

    `timeframes` are those whose candles change by it. What did arrive is kept in either case. Bad
    answers are the exchange's trouble only when the batch got no good one.
    """
    arrivals = Arrivals(house, exchange, timeframes)
    good, bad = 0, None
    try:
        with reported(house, exchange, source) as report:
            for symbol in symbols:
                try:
                    arrivals.add(fetch(symbol))
                    good += 1
                    report()
                except NOT_THE_EXCHANGE as error:
                    bad = error
                    _skip(symbol, error)
            if not good and isinstance(bad, BadAnswer):
                raise bad  # each answer was bad: that is the exchange
    finally:
        arrivals.tell()


@contextmanager
def reported(house: House, exchange: str, source: str) -> Iterator[Callable[[], None]]:
    """Keep the source's status: good at each call of what it gives, or what went wrong in the block."""
    key = EXCHANGE_STATUS.key(exchange=exchange, source=source)

    def write(make: Callable[[Mapping[str, Any] | None, float], dict[str, Any]]) -> None:
        entry, now = house.cache.get(key), house.clock()
        previous = entry.value if entry else None
        current = make(previous, now)
        written_at = entry.stored_at if entry else 0.0
        if status.needs_writing(previous, current, written_at=written_at, now=now):
            house.cache.put(key, current, as_of=now)
            request_publish(house.cache)

    try:
        yield lambda: write(status.after_success)
    except (SymbolUnknown, NotSupported, LimiterFull):
        raise  # the symbol's trouble, or our own haste: nothing that is wrong with the exchange
    except MarketError as error:
        failure = error
        write(lambda previous, now: status.after_failure(previous, failure, now))
        raise


def is_closed(house: House, exchange: str, source: str) -> bool:
    """Whether the exchange has asked not to be asked for this until a moment that is still to come."""
    entry = house.cache.get(EXCHANGE_STATUS.key(exchange=exchange, source=source))
    return status.closed_until(entry.value if entry else None) > house.clock()


def _skip(symbol: str, error: MarketError) -> None:
    log.warning(
        "symbol_skipped",
        exchange=error.exchange,
        symbol=symbol,
        error=type(error).__name__,
        reason=error.reason,
    )
