"""Fetching many things of one exchange in one task: what arrives is kept, told early, and accounted for."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from celery import current_task

from cache.catalogue import EXCHANGE_STATUS, UNIVERSE
from market.errors import BadAnswer, LimiterFull, MarketError, NotSupported, SymbolUnknown
from market.retry import retried
from tasks import app, plain, refusals, status
from tasks.announce import derive_symbols, request_publish
from tasks.base import expires_at
from tasks.costs import COSTS
from tasks.setbacks import DOUBTS, LONGEST_FOR_ALL_S, LONGEST_REST_S, SETBACKS
from tasks.symbol_inputs import CLAIM_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cache import Key, Put
    from market.exchange import Exchange
    from tasks.wire import House

log = structlog.get_logger()

NOT_THE_EXCHANGE = (SymbolUnknown, NotSupported, BadAnswer)
"""What goes wrong for one symbol while the others of its batch may well be answered."""

EARLY_UNIVERSE_S = 60.0
"""A symbol that an exchange does not know any more has its universe refreshed at most this often."""

TELL_AFTER_S = 0.15
"""An answer waits so long for others of its batch, and for the call under way, until it is stored."""


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
        symbols = [put.key.params["symbol"] for put in told]
        derive_symbols(self._house.cache, self._exchange, symbols, self._timeframes)


def fetch_each(
    house: House,
    source: Exchange,
    name: str,
    keys: Mapping[str, Key],
    *,
    timeframes: list[str],
    fetch: Callable[[str], Put],
) -> None:
    """Fetch symbol by symbol. One bad symbol is skipped; what concerns the whole exchange ends the batch.

    `name` is that of the input, `keys` has the key of each symbol; one that is answered badly rests for
    a while. `timeframes` are those whose candles change by it. What did arrive is kept in either case.
    Bad answers are the exchange's trouble only when the batch got no good one, and more than one symbol was
    answered badly since the last good one of all batches. What a slow exchange has not answered by the end
    of the message is left: its claims are over, and the plan sends it out anew.
    """
    arrivals = Arrivals(house, source.id, timeframes)
    good, bad, until = 0, None, deadline(house)
    try:
        with reported(house, source.id, name) as report:
            for symbol, key in keys.items():
                if house.clock() >= until:
                    break
                spent_before = source.spent()
                try:
                    arrivals.add(retried(partial(fetch, symbol), until=until, clock=house.clock))
                    good += 1
                    report()
                    if DOUBTS.clear(source.id, name, house.clock()):
                        SETBACKS.wake(key)
                    if SETBACKS.forget(key):
                        refusals.forget(house, key)
                    COSTS.note(source.id, name, source.spent() - spent_before)
                except NOT_THE_EXCHANGE as error:
                    bad = error
                    _set_back(house, name, key, error)
            if not good and isinstance(bad, BadAnswer) and _is_the_exchange(house, source.id, name):
                raise bad  # each answer was bad, and not for one symbol alone
    finally:
        arrivals.tell()


def deadline(house: House) -> float:
    """When the message of the running task is void, in Unix seconds: nobody waits for its answers then."""
    void_at = expires_at(current_task.request) if current_task else None
    return house.clock() + CLAIM_S if void_at is None else void_at


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


def _is_the_exchange(house: House, exchange: str, source: str) -> bool:
    """Whether more than one symbol is answered badly, or the only one that is tracked."""
    if DOUBTS.symbols(exchange, source) > 1:
        return True
    universe = house.cache.get(UNIVERSE.key(exchange=exchange))
    return universe is not None and len(plain.symbols_of(universe.value)) == 1


def _set_back(house: House, name: str, key: Key, error: MarketError) -> None:
    """Let what was answered badly rest; for long only where the trouble is that symbol's own."""
    exchange, symbol = key.params["exchange"], key.params["symbol"]
    longest_s = LONGEST_REST_S
    if isinstance(error, BadAnswer):
        DOUBTS.note(exchange, name, symbol)
        if DOUBTS.symbols(exchange, name) > 1:
            longest_s = LONGEST_FOR_ALL_S
    SETBACKS.note(key, house.clock(), longest_s=longest_s)
    refusals.note(house, key, error)
    _skip(house, symbol, error)


def _skip(house: House, symbol: str, error: MarketError) -> None:
    log.warning(
        "symbol_skipped",
        exchange=error.exchange,
        symbol=symbol,
        error=type(error).__name__,
        reason=error.reason,
    )
    if isinstance(error, SymbolUnknown) and house.cache.claim(
        f"universe:{error.exchange}:early", EARLY_UNIVERSE_S
    ):
        app.send_task("tasks.fetch.universe", (error.exchange,), expires=CLAIM_S)
