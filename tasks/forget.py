"""What goes when a symbol is no longer tracked: all that was fetched of it, and what was made of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cache.catalogue import CONFLUENCE
from tasks import alerts, refusals
from tasks.setbacks import SETBACKS
from tasks.symbol_inputs import BY_PERIOD, CANDLE_INPUT

if TYPE_CHECKING:
    from cache import Key
    from tasks.wire import House


def forget(house: House, exchange: str, symbols: list[str]) -> None:
    """Remove everything that is kept under these symbols; what is kept for all loses its rows by itself.

    The alerts that were raised of them stay, since they did happen; at which level they stand does not.
    """
    asked = [key for symbol in symbols for key in _asked(house, exchange, symbol)]
    for key in asked:
        SETBACKS.forget(key)
    if symbols:
        scores = (CONFLUENCE.key(exchange=exchange, symbol=symbol) for symbol in symbols)
        house.cache.remove(*scores, *asked, *map(refusals.key_of, asked))
    alerts.forget(house, exchange, symbols)


def _asked(house: House, exchange: str, symbol: str) -> list[Key]:
    return [
        *(one.kind.key(exchange=exchange, symbol=symbol) for one in BY_PERIOD),
        *(
            CANDLE_INPUT.kind.key(exchange=exchange, symbol=symbol, timeframe=timeframe)
            for timeframe in house.settings.timeframes
        ),
    ]
