"""Tasks that ask an exchange for all of its symbols at once, and the plan of what is asked for each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from cache import Value
from cache.catalogue import BREADTH, EXCHANGE_SOURCES, EXCHANGE_STATUS, FUNDING, MARKETS, TICKERS, UNIVERSE
from market.errors import FewerMarkets
from market.plain_markets import changes
from market.retry import retried
from market.score_inputs import INPUTS
from tasks import alerts, app, due, fewer_markets, plain, status, wire
from tasks.announce import request_publish
from tasks.base import FetchTask, MarketTask
from tasks.batches import deadline, is_closed, reported
from tasks.costs import COSTS
from tasks.forget import forget
from tasks.symbol_inputs import CLAIM_S, demand

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cache import Entry, Key
    from market.exchange import Exchange
    from market.model import Instrument
    from tasks.wire import House

Answer = TypeVar("Answer")

log = structlog.get_logger()

BREADTH_S = 15.0
A_MINUTE_S = 60.0


@app.task(base=FetchTask, name="tasks.fetch.universe", run_lock_s=60.0)  # type: ignore[untyped-decorator]
def universe(exchange: str) -> None:
    """Refresh which symbols are tracked; what left takes all that was derived from it along."""
    house = wire.house()
    key = UNIVERSE.key(exchange=exchange)
    before = house.cache.get(key)
    source = house.exchange(exchange)
    with reported(house, exchange, "universe") as report:
        instruments = _listed(house, source, before)
        report()
    others = _other_markets(house, source)
    _start_anew(house, exchange, [one.symbol for one in instruments], before)
    value = plain.universe(instruments, source.timeframes(house.settings.timeframes), source.inputs())
    value["carries"] = _carried(house, source, value)
    house.cache.put(key, value, as_of=house.clock())
    tracked = set(plain.symbols_of(value)) - others
    gone = [symbol for symbol in plain.symbols_of(before.value if before else None) if symbol not in tracked]
    forget(house, exchange, gone)
    _hand_on_markets(house, source)  # after that: who dies before leaves it to the next run to find the same
    fewer_markets.settle(house, exchange)
    _note_inputs(house, exchange, value, before)
    log.info("universe_refreshed", exchange=exchange, symbols=len(value["instruments"]), left=gone)
    request_publish(house.cache)
    for first in (plan,) if before else (tickers, funding, plan):  # nobody waits for a first period to end
        first.apply_async((exchange,), expires=CLAIM_S)


@app.task(base=FetchTask, name="tasks.fetch.tickers", run_lock_s=30.0)  # type: ignore[untyped-decorator]
def tickers(exchange: str) -> None:
    """Refresh the last prices of all tracked symbols with one call."""
    house = wire.house()
    symbols = plain.symbols_of(_universe(house, exchange))
    if not symbols or is_closed(house, exchange, "tickers"):
        return
    with reported(house, exchange, "tickers") as report:
        source = house.exchange(exchange)
        values = _asked(house, source, "tickers", lambda: source.tickers(symbols))
        report()
    key = TICKERS.key(exchange=exchange)
    before = house.cache.get(key)
    rows = plain.tickers(values, symbols, before.value if before else None, house.clock())
    house.cache.put(key, rows, as_of=min(ticker.as_of for ticker in values.values()))
    if house.cache.claim(f"breadth:{exchange}", min(BREADTH_S, house.cache.ttl(BREADTH) / 3)):
        house.cache.derive_many([BREADTH.key(exchange=exchange)], lambda _: (key,), partial(_breadth, house))
    request_publish(house.cache)


@app.task(base=FetchTask, name="tasks.fetch.funding", run_lock_s=30.0)  # type: ignore[untyped-decorator]
def funding(exchange: str) -> None:
    """Refresh the funding rates of all tracked symbols with one call, where the exchange has them."""
    house = wire.house()
    known = _universe(house, exchange)
    symbols = plain.symbols_of(known)
    if not symbols or "funding" not in plain.inputs_of(known) or is_closed(house, exchange, "funding"):
        return
    with reported(house, exchange, "funding") as report:
        source = house.exchange(exchange)
        rates = _asked(house, source, "funding", lambda: source.funding(symbols))
        report()
    key, since = FUNDING.key(exchange=exchange), house.clock() - house.cache.ttl(FUNDING)
    before = house.cache.get(key)
    rows = plain.funding(rates, symbols, before.value if before else None, since)
    house.cache.put(key, rows, as_of=min((rate.as_of for rate in rates.values()), default=house.clock()))


@app.task(base=MarketTask, name="tasks.fetch.plan", run_lock_s=20.0)  # type: ignore[untyped-decorator]
def plan(exchange: str) -> None:
    """Send out what is due: candles right after their close, all else once in its period."""
    house = wire.house()
    known = house.cache.get(UNIVERSE.key(exchange=exchange))
    if _universe_is_due(house, exchange, known) and house.cache.claim(f"universe:{exchange}", CLAIM_S):
        universe.apply_async((exchange,), expires=CLAIM_S)
    if known is not None and plain.symbols_of(known.value):
        if _funding_cannot_wait(house, exchange) and house.cache.claim(f"funding:{exchange}", CLAIM_S):
            funding.apply_async((exchange,), expires=CLAIM_S)
        due.send_due(house, house.exchange(exchange), known.value)


def _carried(house: House, source: Exchange, value: Mapping[str, Any]) -> int | None:
    """How many symbols the exchange's rate keeps up to date at these periods; None when that is all."""
    timeframes = plain.timeframes_of(value, house.settings.timeframes)
    for_one = demand(house, source.id, plain.inputs_of(value), timeframes)
    symbols, carries = len(value["instruments"]), int(source.calls_within(A_MINUTE_S) / A_MINUTE_S / for_one)
    if symbols <= carries:
        return None
    log.warning("rate_too_small", exchange=source.id, symbols=symbols, carries=carries)
    return carries


def _listed(house: House, source: Exchange, before: Entry | None) -> tuple[Instrument, ...]:
    """What is to be tracked; a list that lost most of its markets is counted, and refused until believed."""
    limit, known = house.settings.symbol_limit, plain.turnovers_of(before.value if before else None)
    believed = fewer_markets.believed(house, source.id)
    try:
        return _asked(house, source, "universe", lambda: source.universe(limit, known, believed=believed))
    except FewerMarkets as error:
        fewer_markets.note(house, error)
        raise


def _start_anew(house: House, exchange: str, tracked: list[str], before: Entry | None) -> None:
    """A symbol that is tracked again begins like any other, whoever looked at it late when it left."""
    if before is not None:
        alerts.forget(house, exchange, set(tracked).difference(plain.symbols_of(before.value)))


def _other_markets(house: House, source: Exchange) -> set[str]:
    """The symbols that stand for another market than before: nothing that is known of them is true."""
    before = house.cache.get(MARKETS.key(exchange=source.id))
    if before is None or source.markets_as_of() is None:
        return set()
    found = changes(before.value["markets"], source.plain_markets())
    if found.renamed:
        log.info("symbols_renamed", exchange=source.id, renamed=dict(found.renamed))
    return set(found.gone) & set(found.new) | set(found.renamed)


def _hand_on_markets(house: House, source: Exchange) -> None:
    """Let other processes, and those that are yet to start, have the list without asking for it."""
    as_of = source.markets_as_of()
    if as_of is not None:
        key = MARKETS.key(exchange=source.id)
        house.cache.put(key, {"markets": source.plain_markets()}, as_of=as_of)


def _asked(house: House, source: Exchange, name: str, call: Callable[[], Answer]) -> Answer:
    """The answer, and what it cost noted; an accident is retried while anybody waits for it."""
    spent_before = source.spent()
    answer = retried(call, until=deadline(house), clock=house.clock)
    COSTS.note(source.id, name, source.spent() - spent_before)
    return answer


def _universe(house: House, exchange: str) -> Mapping[str, Any] | None:
    entry = house.cache.get(UNIVERSE.key(exchange=exchange))
    return entry.value if entry else None


def _breadth(house: House, batch: Mapping[Key, Mapping[Key, Entry | None]]) -> dict[Key, Value]:
    since = house.clock() - house.cache.ttl(TICKERS)
    return {
        key: Value(
            plain.breadth(source.params["exchange"], entry.value, entry.as_of, since=since), as_of=entry.as_of
        )
        for key, inputs in batch.items()
        for source, entry in inputs.items()
        if entry is not None
    }


def _universe_is_due(house: House, exchange: str, known: Entry | None) -> bool:
    """Whether there is none to trust, or the last attempt failed and may be tried again."""
    if is_closed(house, exchange, "universe"):
        return False
    return known is None or known.state == "stale" or _has_failed(house, exchange, "universe")


def _funding_cannot_wait(house: House, exchange: str) -> bool:
    """Whether there are rates that nobody can vouch for, or that the exchange last failed to give."""
    rates = house.cache.get(FUNDING.key(exchange=exchange))
    doubted = rates is not None and due.is_doubted(house, rates)
    return doubted or _has_failed(house, exchange, "funding")


def _has_failed(house: House, exchange: str, source: str) -> bool:
    told = house.cache.get(EXCHANGE_STATUS.key(exchange=exchange, source=source))
    return told is not None and told.value["state"] != status.OK


def _note_inputs(house: House, exchange: str, value: Mapping[str, Any], before: Entry | None) -> None:
    """When that is news: say what the exchange lacks, and take back what was said of the state of that."""
    lacking = [name for name in INPUTS if name not in value["inputs"]]
    if not lacking or (before is not None and plain.inputs_of(before.value) == tuple(value["inputs"])):
        return
    log.info("inputs_lacking", exchange=exchange, inputs=lacking)
    sources = [name for name in lacking if name in EXCHANGE_SOURCES]
    house.cache.remove(*(EXCHANGE_STATUS.key(exchange=exchange, source=name) for name in sources))
