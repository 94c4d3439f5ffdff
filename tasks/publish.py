"""The task that makes the dashboard: one body of bytes for each view, encoded once per change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cache import Value, states
from cache.catalogue import (
    ALERTS,
    BETA,
    CANDLES,
    CONFLUENCE,
    DASHBOARD,
    EXCHANGE_STATUS,
    INDICATORS,
    TICKERS,
    UNIVERSE,
)
from market.beta import WINDOWS, leader_of
from market.candles import aggregate
from market.clients import is_simulated
from market.model import TIMEFRAME_SECONDS, Candles
from tasks import app, plain, status, wire
from tasks.announce import request_publish
from tasks.base import MarketTask
from tasks.dashboard import ExchangeInputs, document, is_complete, mobile, published

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cache import Entry, Key
    from tasks.wire import House

HOUR_S = 3600
SPARK_TIMEFRAME_S = 300

Found = "Mapping[Key, Entry | None]"


class PublishTask(MarketTask):
    """Publishing once more after a run that was under way: that one may have read too early."""

    abstract = True

    def when_locked(self) -> None:
        """Ask again: what made somebody ask for this run must not wait for the next period."""
        request_publish(wire.house().cache)


@app.task(base=PublishTask, name="tasks.publish.dashboard", run_lock_s=10.0)  # type: ignore[untyped-decorator]
def dashboard() -> None:
    """Build the dashboard from what is cached now and put its views where the web finds them."""
    house = wire.house()
    tracked = _tracked(house)
    alerts = ALERTS.key(scope="recent")
    inputs = [
        alerts,
        *(key for exchange, value in tracked.items() for key in _inputs(exchange, plain.symbols_of(value))),
    ]
    views = {view: DASHBOARD.key(view=view) for view in ("data", "mobile")}
    before = house.cache.get_many(views.values())

    def build(batch: Mapping[Key, Mapping[Key, Entry | None]]) -> dict[Key, Value]:
        found = batch[views["data"]]
        whole = document(
            [_of_exchange(house, exchange, value, found) for exchange, value in tracked.items()],
            now=house.clock(),
            simulated=any(map(is_simulated, tracked)),
            hourly_btc=_hourly_btc(house, tracked),
            turnover_floor=house.settings.movers_turnover_floor,
            price_ttl_s=house.settings.ttl_tickers,
            alerts=found.get(alerts),
        )
        complete = is_complete(whole)
        bodies = {views["data"]: whole, views["mobile"]: mobile(whole)}
        return {
            key: Value(
                published(body, complete=complete, previous=before[key].value if key in before else None),
                as_of=whole["as_of"],
            )
            for key, body in bodies.items()
        }

    if any(map(plain.symbols_of, tracked.values())):
        house.cache.derive_many(list(views.values()), lambda _: inputs, build)


def _tracked(house: House) -> dict[str, Mapping[str, Any] | None]:
    """The universe of each exchange, None while it is not known."""
    keys = {exchange: UNIVERSE.key(exchange=exchange) for exchange in house.settings.exchanges}
    found = house.cache.get_many(keys.values())
    return {exchange: found[key].value if key in found else None for exchange, key in keys.items()}


def _inputs(exchange: str, symbols: Sequence[str]) -> list[Key]:
    statuses = [EXCHANGE_STATUS.key(exchange=exchange, source=source) for source in status.SOURCES]
    scores = [CONFLUENCE.key(exchange=exchange, symbol=symbol) for symbol in symbols]
    betas = [BETA.key(exchange=exchange, timeframe=timeframe) for timeframe in WINDOWS]
    return [TICKERS.key(exchange=exchange), *statuses, *betas, *scores]


def _of_exchange(
    house: House, exchange: str, universe: Mapping[str, Any] | None, found: Mapping[Key, Entry | None]
) -> ExchangeInputs:
    symbols = plain.symbols_of(universe)
    sources = {
        source: entry
        for source in status.SOURCES
        if (entry := found.get(EXCHANGE_STATUS.key(exchange=exchange, source=source)))
    }
    scores = {
        symbol: entry
        for symbol in symbols
        if (entry := found.get(CONFLUENCE.key(exchange=exchange, symbol=symbol)))
    }
    return ExchangeInputs(
        status=states.of_exchange(
            exchange, sources, now=house.clock(), silent_after_s=house.settings.ttl_tickers
        ),
        symbols=symbols,
        tickers=found.get(TICKERS.key(exchange=exchange)),
        scores=scores,
        sparks=_sparks(house, exchange, symbols),
        betas={name: found.get(BETA.key(exchange=exchange, timeframe=name)) for name in WINDOWS},
        carries=plain.carries_of(universe),
    )


def _sparks(house: House, exchange: str, symbols: Sequence[str]) -> dict[str, Any]:
    """The last closes of each symbol in the timeframe nearest to five minutes."""
    timeframe = min(
        house.settings.timeframes, key=lambda name: abs(TIMEFRAME_SECONDS[name] - SPARK_TIMEFRAME_S)
    )
    keys = {
        symbol: INDICATORS.key(exchange=exchange, symbol=symbol, timeframe=timeframe) for symbol in symbols
    }
    found = house.cache.get_many(keys.values())
    return {symbol: found[key].value["spark"] for symbol, key in keys.items() if key in found}


def _hourly_btc(house: House, tracked: Mapping[str, Mapping[str, Any] | None]) -> Candles | None:
    """Bitcoin's candles of one hour, made of the longest timeframe that divides it; None without any."""
    dividing = [name for name in house.settings.timeframes if HOUR_S % TIMEFRAME_SECONDS[name] == 0]
    bitcoins = {exchange: leader_of(plain.symbols_of(value)) for exchange, value in tracked.items()}
    for timeframe in sorted(dividing, key=TIMEFRAME_SECONDS.__getitem__, reverse=True):
        keys = [
            CANDLES.key(exchange=exchange, symbol=bitcoin, timeframe=timeframe)
            for exchange, bitcoin in bitcoins.items()
            if bitcoin is not None
        ]
        found = house.cache.get_many(keys)
        if found:
            # Of several exchanges the one that is not behind; of those the first.
            newest = max((found[key] for key in keys if key in found), key=lambda entry: entry.as_of)
            return aggregate(Candles.from_plain(newest.value), "1h")
    return None
