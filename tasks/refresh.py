"""The task that renews what is read often shortly before it turns stale, once for all processes."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import structlog

from cache.catalogue import BREADTH, CONFLUENCE, DASHBOARD, FUNDING, INDICATORS, TICKERS
from tasks import app, fetch, wire
from tasks.announce import derive_symbols, request_publish
from tasks.base import MarketTask
from tasks.batches import is_closed
from tasks.derive import BATCH
from tasks.symbol_inputs import CLAIM_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from cache import Ageing, Kind
    from tasks.wire import House


log = structlog.get_logger()


SOURCES = {TICKERS: "tickers", BREADTH: "tickers", FUNDING: "funding"}
"""Where the exchange may have asked for quiet."""


@app.task(base=MarketTask, name="tasks.refresh.ahead", run_lock_s=10.0)  # type: ignore[untyped-decorator]
def ahead() -> None:
    """Ask for what many read and no regular run has renewed by the last fifth of its life.

    One run asks for no more than a batch of each kind: regular runs go first. What is asked symbol by symbol
    is left to the plan: it looks every other second, and whatever it has left so long the rate cannot carry.
    """
    house = wire.house()
    asked: dict[tuple[Kind, str, str], list[str]] = defaultdict(list)
    for one in house.cache.ageing(ASKING):
        kind, params = one.key.kind, one.key.params
        exchange = params.get("exchange", "")
        group = asked[kind, exchange, params.get("timeframe", "")]
        if len(group) < BATCH and _is_wanted(house, kind, exchange) and _claimed(house, one):
            group.append(params.get("symbol", ""))
    for (kind, exchange, timeframe), symbols in asked.items():
        if symbols:
            ASKING[kind](house, exchange, timeframe, symbols)
            log.info(
                "refreshed_ahead", kind=kind.name, exchange=exchange, timeframe=timeframe, keys=len(symbols)
            )


def _is_wanted(house: House, kind: Kind, exchange: str) -> bool:
    """Whether the exchange is still fetched from, and lets itself be asked."""
    if kind is DASHBOARD:
        return True
    if exchange not in house.settings.exchanges:
        return False
    return kind not in SOURCES or not is_closed(house, exchange, SOURCES[kind])


def _claimed(house: House, one: Ageing) -> bool:
    """Whether nobody has asked for it yet: a success makes a new end of its fresh life, and so a new name."""
    left_s = one.fresh_until - house.clock()
    return house.cache.claim(f"refresh:{one.key.text}:{one.fresh_until}", left_s + CLAIM_S)


def _fetch_tickers(_house: House, exchange: str, _timeframe: str, _symbols: list[str]) -> None:
    fetch.tickers.apply_async((exchange,), expires=CLAIM_S)


def _fetch_funding(_house: House, exchange: str, _timeframe: str, _symbols: list[str]) -> None:
    fetch.funding.apply_async((exchange,), expires=CLAIM_S)


def _derive(house: House, exchange: str, timeframe: str, symbols: list[str]) -> None:
    derive_symbols(house.cache, exchange, symbols, [timeframe] if timeframe else [])


def _publish(house: House, _exchange: str, _timeframe: str, _symbols: list[str]) -> None:
    request_publish(house.cache)


ASKING: dict[Kind, Callable[[House, str, str, list[str]], None]] = {
    TICKERS: _fetch_tickers,
    BREADTH: _fetch_tickers,
    FUNDING: _fetch_funding,
    INDICATORS: _derive,
    CONFLUENCE: _derive,
    DASHBOARD: _publish,
}
"""Which task makes a kind."""
