"""Tasks that compute: from candles to the views of a timeframe, from those to the scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from cache import Value
from cache.catalogue import CANDLES, CONFLUENCE, INDICATORS, UNIVERSE
from market.model import Candles
from market.timeframe_view import views_of
from tasks import alerts, app, plain, planning, wire
from tasks.announce import request_publish
from tasks.base import MarketTask
from tasks.scoring import MADE_OF, Scoring, inputs_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cache import Entry, Key
    from tasks.wire import House

log = structlog.get_logger()

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
    """Compute and store what follows from the candles of each symbol and timeframe, where they changed."""
    keys = [
        INDICATORS.key(exchange=exchange, symbol=symbol, timeframe=timeframe)
        for timeframe in timeframes
        for symbol in names
    ]
    if not keys:
        return
    previous = house.cache.get_many(keys)
    unchanged = 0

    def compute(batch: Mapping[Key, Mapping[Key, Entry | None]]) -> dict[Key, Value]:
        nonlocal unchanged
        views: dict[Key, Value] = {}
        changed: dict[Key, Entry] = {}
        for key, inputs in batch.items():
            (candles,) = inputs.values()
            if candles is None:
                continue
            known = previous.get(key)
            if known is not None and known.value.get(MADE_OF) == candles.version:
                views[key] = Value(known.value, as_of=candles.as_of)
            else:
                changed[key] = candles
        unchanged += len(views)
        return views | _views(changed)

    stored = house.cache.derive_many(keys, lambda key: (_candles_of(key),), compute)
    log.debug("views_derived", exchange=exchange, computed=len(stored) - unchanged, unchanged=unchanged)


def derive_scores(house: House, exchange: str, names: list[str]) -> None:
    """Compute and store the score of each symbol of which an input changed; renew the life of the rest.

    A symbol that is no longer tracked gets none, however late the message comes that asks for it.
    """
    universe = house.cache.get(UNIVERSE.key(exchange=exchange))
    value = universe.value if universe else None
    tracked, offered = plain.symbols_of(value), plain.inputs_of(value)
    wanted = names if value is None else sorted(set(names).intersection(tracked))
    keys = [CONFLUENCE.key(exchange=exchange, symbol=symbol) for symbol in wanted]
    if not keys:
        return
    timeframes = plain.timeframes_of(value, house.settings.timeframes)
    scoring = Scoring(house, exchange, offered, timeframes)

    def compute(batch: Mapping[Key, Mapping[Key, Entry | None]]) -> dict[Key, Value]:
        # Not earlier: a signal must not be held over the removal of its score.
        previous = house.cache.get_many(keys)
        scoring.look_up_refusals(batch.values())
        return {
            key: scoring.value(key.params["symbol"], inputs, previous[key].value if key in previous else None)
            for key, inputs in batch.items()
        }

    stored = house.cache.derive_many(keys, lambda key: inputs_of(key, timeframes, offered), compute)
    alerts.on_scores(house, stored.values())
    log.debug(
        "scores_derived",
        exchange=exchange,
        computed=len(keys) - scoring.unchanged,
        unchanged=scoring.unchanged,
    )


def _candles_of(key: Key) -> Key:
    return CANDLES.key(
        exchange=key.params["exchange"], symbol=key.params["symbol"], timeframe=key.params["timeframe"]
    )


def _views(changed: Mapping[Key, Entry]) -> dict[Key, Value]:
    """Views of all candles that changed, computed together."""
    views = views_of([Candles.from_plain(candles.value) for candles in changed.values()])
    return {
        key: Value({**view.to_plain(), MADE_OF: candles.version}, as_of=candles.as_of)
        for (key, candles), view in zip(changed.items(), views, strict=True)
    }


def _behind(house: House, exchange: str, names: list[str]) -> list[str]:
    keys = {symbol: CONFLUENCE.key(exchange=exchange, symbol=symbol) for symbol in names}
    entries = house.cache.get_many(keys.values())
    half_life_s = house.settings.ttl_confluence / 2
    return [
        symbol
        for symbol, key in keys.items()
        if (entry := entries.get(key)) is None
        # Also a young one, whose books come and go while one of its views was lost on the way.
        or entry.state == "stale"
        or house.clock() - entry.stored_at >= half_life_s
    ]


def _without_view(house: House, exchange: str, names: list[str], timeframe: str) -> list[str]:
    keys = {symbol: INDICATORS.key(exchange=exchange, symbol=symbol, timeframe=timeframe) for symbol in names}
    entries = house.cache.get_many(keys.values())
    return [symbol for symbol, key in keys.items() if key not in entries or entries[key].state == "stale"]
