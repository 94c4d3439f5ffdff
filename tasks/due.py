"""What of an exchange is due now: read from the cache, put in order, claimed as far as the rate carries."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from market.model import TIMEFRAME_SECONDS
from tasks import app, plain, planning
from tasks.batches import is_closed
from tasks.costs import COSTS
from tasks.planning import Want
from tasks.setbacks import DOUBTS, SETBACKS
from tasks.symbol_inputs import BATCH, BY_PERIOD, BY_SYMBOL, CANDLE_INPUT, CLAIM_S, claim_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cache import Entry, Key
    from market.exchange import Exchange
    from tasks.symbol_inputs import SymbolInput
    from tasks.wire import House


LEAST_ROOM = 0.1
"""Of a rate that prices alone use up; they are worth nothing without candles."""


@dataclass(slots=True)
class Round:
    """What the last round of an exchange leaves to the next.

    `overspent` is what it sent out beyond what the rate carries; where a round has room for one call
    alone, `absent_first` sees to it that they come in turns all the same.
    """

    overspent: float = 0.0
    absent_first: bool = False


ROUNDS: dict[str, Round] = {}
"""The last of each exchange, as far as this process knows."""

ENDS: dict[str, dict[Key, tuple[float, float]]] = {}
"""Of the series of each exchange: where each ends, and when (Unix seconds) this process first saw it so."""


def send_due(house: House, source: Exchange, universe: Mapping[str, Any]) -> None:
    """Send out what is due and nobody else is fetching, the most overdue first.

    More than the exchange's rate carries until the next round would only wait in the queue, and the
    next prices behind it.
    """
    wants, last = _wants(house, source, universe), ROUNDS.get(source.id, Round())
    room, absent_first = _room(house, source) - last.overspent, last.absent_first
    claimed: list[Want] = []
    for want in _allowed(source.id, planning.in_order(wants, absent_first=absent_first), house.clock()):
        if room <= 0:
            break
        if house.cache.claim(claim_name(wants[want], want.seen_at), CLAIM_S):
            claimed.append(want)
            if DOUBTS.are_many(source.id, want.source):
                DOUBTS.tried(source.id, want.source, house.clock())
            room -= COSTS.of(source.id, want.source)
            absent_first = want.overdue < planning.ABSENT
    ROUNDS[source.id] = Round(max(0.0, -room), absent_first)
    for name, timeframe, symbols in planning.by_batch(claimed, BATCH):
        send(BY_SYMBOL[name], source.id, timeframe, symbols)


def _allowed(exchange: str, wants: Sequence[Want], now: float) -> Iterator[Want]:
    """Those of inputs that are answered, in their order; of each other input one, now and then, as a trial.

    It has the place of the first of its input and is whichever chance takes: the first may be just the one
    that is never answered.
    """
    of_input: dict[str, list[Want]] = {}
    for want in wants:
        if DOUBTS.are_many(exchange, want.source):
            of_input.setdefault(want.source, []).append(want)
    tried: set[str] = set()
    for want in wants:
        if want.source not in of_input:
            yield want
        elif want.source not in tried and DOUBTS.may_try(exchange, want.source, now):
            tried.add(want.source)
            yield random.choice(of_input[want.source])  # noqa: S311 - no secret


def _room(house: House, source: Exchange) -> float:
    """What the rate carries until the next round, without what the calls for all symbols take of it."""
    settings, round_s = house.settings, house.settings.period_candles
    for_all_s = COSTS.of(source.id, "tickers") / settings.period_tickers
    for_all_s += COSTS.of(source.id, "funding") / settings.period_funding
    return max(LEAST_ROOM, source.calls_within(round_s) - round_s * for_all_s)


def send(what: SymbolInput, exchange: str, timeframe: str, symbols: list[str]) -> None:
    """Have one batch fetched."""
    arguments = (exchange, timeframe, symbols) if timeframe else (exchange, symbols)
    app.send_task(what.task, arguments, expires=CLAIM_S)


def _wants(house: House, source: Exchange, universe: Mapping[str, Any]) -> dict[Want, Key]:
    """Whatever is due, with its key; nothing of what the exchange lacks, or wants not to be asked for."""
    symbols, offered, now = plain.symbols_of(universe), plain.inputs_of(universe), house.clock()
    wants: dict[Want, Key] = {}
    if _may_ask(house, source.id, CANDLE_INPUT, offered):
        timeframes = plain.timeframes_of(universe, house.settings.timeframes)
        wants |= _candles(house, source, symbols, timeframes)
    for what in BY_PERIOD:
        if _may_ask(house, source.id, what, offered):
            wants |= _by_period(house, source.id, what, symbols)
    return {
        want: key for want, key in wants.items() if want.overdue >= 0 and not SETBACKS.is_resting(key, now)
    }


def _may_ask(house: House, exchange: str, what: SymbolInput, offered: Sequence[str]) -> bool:
    return what.source in offered and not is_closed(house, exchange, what.source)


def _candles(
    house: House, source: Exchange, symbols: Sequence[str], timeframes: Sequence[str]
) -> dict[Want, Key]:
    keys = {
        CANDLE_INPUT.kind.key(exchange=source.id, symbol=symbol, timeframe=timeframe): (symbol, timeframe)
        for timeframe in timeframes
        for symbol in symbols
    }
    found, now = house.cache.get_many(keys), source.now()
    ahead_s = house.clock() - now
    before = ENDS.get(source.id, {})
    ends = ENDS[source.id] = {key: _end(entry, before.get(key)) for key, entry in found.items()}

    def want(key: Key, symbol: str, timeframe: str) -> Want:
        entry, overdue = found.get(key), planning.ABSENT
        if entry is not None:
            overdue = planning.candles_overdue(
                entry.as_of,
                entry.stored_at - ahead_s,
                symbol,
                timeframe,
                now,
                doubted=entry.state == "stale",
                first_at=ends[key][1] - ahead_s,
            )
        period_s = TIMEFRAME_SECONDS[timeframe]
        return Want(CANDLE_INPUT.source, symbol, timeframe, period_s, overdue, _seen_at(entry))

    return {want(key, *series): key for key, series in keys.items()}


def _end(entry: Entry, before: tuple[float, float] | None) -> tuple[float, float]:
    """Where a series ends, and when it was first seen so; `before` is what was known of it."""
    return before if before is not None and before[0] == entry.as_of else (entry.as_of, entry.stored_at)


def _by_period(house: House, exchange: str, what: SymbolInput, symbols: Sequence[str]) -> dict[Want, Key]:
    keys = {what.kind.key(exchange=exchange, symbol=symbol): symbol for symbol in symbols}
    found, now, period_s = house.cache.get_many(keys), house.clock(), what.period_s(house)
    return {
        Want(
            what.source,
            symbol,
            "",
            period_s,
            planning.slot_overdue(entry.stored_at, symbol, period_s, now, doubted=is_doubted(house, entry))
            if (entry := found.get(key))
            else planning.ABSENT,
            _seen_at(entry),
        ): key
        for key, symbol in keys.items()
    }


def is_doubted(house: House, entry: Entry) -> bool:
    """Whether a value is stale before its life is over: it was expired, or the tier that held it lost."""
    return entry.state == "stale" and house.clock() < entry.stored_at + house.cache.ttl(entry.key.kind)


def _seen_at(entry: Entry | None) -> float | None:
    return None if entry is None else entry.stored_at
