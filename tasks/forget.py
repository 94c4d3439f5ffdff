"""What goes when a symbol is no longer tracked: all that was fetched of it, and what was made of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cache.catalogue import CONFLUENCE
from tasks.setbacks import SETBACKS
from tasks.symbol_inputs import BY_PERIOD, CANDLE_INPUT

if TYPE_CHECKING:
    from cache import Key
    from tasks.wire import House


def forget(house: House, exchange: str, symbols: list[str]) -> None:
    """Remove everything that is kept under these symbols; what is kept for all loses its rows by itself."""
    keys = [key for symbol in symbols for key in _keys(house, exchange, symbol)]
    for key in keys:
        SETBACKS.forget(key)
    if keys:
        house.cache.remove(*keys)


def _keys(house: House, exchange: str, symbol: str) -> list[Key]:
    return [
        CONFLUENCE.key(exchange=exchange, symbol=symbol),
        *(one.kind.key(exchange=exchange, symbol=symbol) for one in BY_PERIOD),
        *(
            CANDLE_INPUT.kind.key(exchange=exchange, symbol=symbol, timeframe=timeframe)
            for timeframe in house.settings.timeframes
        ),
    ]
