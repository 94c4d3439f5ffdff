"""Tasks that compute: from candles to the views of a timeframe, from those to the scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cache import Value
from cache.catalogue import CANDLES, CONFLUENCE, INDICATORS, ORDER_BOOK, UNIVERSE
from market.confluence import ORDER_BOOK as ORDER_BOOK_INPUT
from market.confluence import candles_input, confluence
from market.model import TIMEFRAME_SECONDS, Candles, OrderBook
from market.timeframe_view import TimeframeView, view_of
from tasks import app, plain, planning, wire
from tasks.announce import request_publish
from tasks.base import MarketTask

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cache import Entry, Key
    from tasks.wire import House

BATCH = 50


@app.task(base=MarketTask, name="tasks.derive.symbols")  # type: ignore[untyped-decorator]
def symbols(exchange: str, names: list[str], timeframes: list[str]) -> None:
    """Bring the scores of some symbols up to date; `timeframes` are those whose candles changed."""
    house = wire.house()
    derive_views(house, exchange, names, timeframes)
    derive_scores(house, exchange, names)
    request_publish(house.cache)


@app.task(base=MarketTask, name="tasks.derive.sweep", run_lock_s=30.0)  # type: ignore[untyped-decorator]
def sweep(exchange: str) -> None:
    """Score again whatever is absent or half-way to stale, whoever was lost on the way there."""
    house = wire.house()
    universe = house.cache.get(UNIVERSE.key(exchange=exchange))
    names = plain.symbols_of(universe.value if universe else None)
    behind = _behind(house, exchange, names)
    for batch in planning.batches(behind, BATCH):
        for timeframe in house.settings.timeframes:
            derive_views(house, exchange, _without_view(house, exchange, batch, timeframe), [timeframe])
        derive_scores(house, exchange, batch)
    if behind:
        request_publish(house.cache)


def derive_views(house: House, exchange: str, names: list[str], timeframes: list[str]) -> None:
    """Compute and store what follows from the candles of each symbol and timeframe."""
    keys = [
        INDICATORS.key(exchange=exchange, symbol=symbol, timeframe=timeframe)
        for timeframe in timeframes
        for symbol in names
    ]
    if keys:
        house.cache.derive_many(keys, lambda key: (_candles_of(key),), _views)


def derive_scores(house: House, exchange: str, names: list[str]) -> None:
    """Compute and store the confluence of each symbol from its views and its order book."""
    keys = [CONFLUENCE.key(exchange=exchange, symbol=symbol) for symbol in names]
    previous = house.cache.get_many(keys)

    def inputs_of(key: Key) -> tuple[Key, ...]:
        views = (
            INDICATORS.key(exchange=exchange, symbol=key.params["symbol"], timeframe=timeframe)
            for timeframe in house.settings.timeframes
        )
        return (*views, ORDER_BOOK.key(exchange=exchange, symbol=key.params["symbol"]))

    def compute(batch: Mapping[Key, Mapping[Key, Entry | None]]) -> dict[Key, Value]:
        return {key: _score(house, key, inputs, previous.get(key)) for key, inputs in batch.items()}

    if keys:
        house.cache.derive_many(keys, inputs_of, compute)


def _candles_of(key: Key) -> Key:
    return CANDLES.key(
        exchange=key.params["exchange"], symbol=key.params["symbol"], timeframe=key.params["timeframe"]
    )


def _views(batch: Mapping[Key, Mapping[Key, Entry | None]]) -> dict[Key, Value]:
    views = {}
    for key, inputs in batch.items():
        (entry,) = inputs.values()
        if entry is not None:
            candles = Candles.from_plain(entry.value)
            views[key] = Value(view_of(candles).to_plain(), as_of=candles.closed_at)
    return views


def _score(house: House, key: Key, inputs: Mapping[Key, Entry | None], previous: Entry | None) -> Value:
    exchange, symbol = key.params["exchange"], key.params["symbol"]
    views: dict[str, TimeframeView | None] = {}
    book: OrderBook | None = None
    for source, entry in inputs.items():
        if source.kind is ORDER_BOOK:
            book = OrderBook.from_plain(exchange, symbol, entry.value) if entry else None
        else:
            views[source.params["timeframe"]] = TimeframeView.from_plain(entry.value) if entry else None
    now = house.clock()
    stale = [_input_name(source) for source, entry in inputs.items() if entry and _is_late(entry, now)]
    score = confluence(
        exchange=exchange,
        symbol=symbol,
        views=views,
        book=book,
        component_weights=house.settings.component_weights,
        timeframe_weights=house.settings.timeframe_weights,
        previous_signal=previous.value["signal"] if previous else None,
        stale_inputs=stale,
        reasons={
            _input_name(source): "not received yet" for source, entry in inputs.items() if entry is None
        },
        now=house.clock(),
    )
    as_of = _complete_until(inputs.values(), house.clock())
    value: dict[str, Any] = {**score.to_plain(), "as_of": as_of, "stale": stale}
    return Value(value, as_of=as_of)


def _is_late(entry: Entry, now: float) -> bool:
    """Whether an input is past its life, or a fresh answer that repeats what was long ago."""
    repeats = entry.key.kind is ORDER_BOOK and now - entry.as_of > plain.REPEATED_S
    return entry.state == "stale" or repeats


def _complete_until(inputs: Iterable[Entry | None], now: float) -> float:
    """The moment up to which every input says all there is: a series until its running candle ends."""
    ends = [now]
    for entry in inputs:
        if entry is not None and entry.as_of is not None:
            timeframe = entry.key.params.get("timeframe")
            ends.append(entry.as_of + (TIMEFRAME_SECONDS[timeframe] if timeframe else 0))
    return min(ends)


def _input_name(key: Key) -> str:
    return ORDER_BOOK_INPUT if key.kind is ORDER_BOOK else candles_input(key.params["timeframe"])


def _behind(house: House, exchange: str, names: list[str]) -> list[str]:
    keys = {symbol: CONFLUENCE.key(exchange=exchange, symbol=symbol) for symbol in names}
    entries = house.cache.get_many(keys.values())
    half_life_s = house.settings.ttl_confluence / 2
    return [
        symbol
        for symbol, key in keys.items()
        if (entry := entries.get(key)) is None or house.clock() - entry.stored_at >= half_life_s
    ]


def _without_view(house: House, exchange: str, names: list[str], timeframe: str) -> list[str]:
    keys = {symbol: INDICATORS.key(exchange=exchange, symbol=symbol, timeframe=timeframe) for symbol in names}
    entries = house.cache.get_many(keys.values())
    return [symbol for symbol, key in keys.items() if key not in entries or entries[key].state == "stale"]
