"""What is fetched symbol by symbol: one table, from which planning, renewing and forgetting follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cache.catalogue import CANDLES, LONG_SHORT, OPEN_INTEREST, ORDER_BOOK, TRADES
from market.model import TIMEFRAME_SECONDS
from tasks.costs import COSTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cache import Key, Kind
    from tasks.wire import House

BATCH = 10
"""Symbols in one task: short enough to spread over threads, long enough to be worth a message."""

CLAIM_S = 10.0
"""What was claimed and not fetched is free again after this long, and its message void."""


@dataclass(frozen=True, slots=True)
class SymbolInput:
    """One input of a symbol: its source, kind and task, and the setting that has its period.

    Candles have a period for each timeframe, which no setting names.
    """

    source: str
    kind: Kind
    task: str
    period: str | None

    def period_s(self, house: House) -> float:
        """Seconds after which it is asked for again; only for inputs that have a setting."""
        period: float = getattr(house.settings, self.period or "")
        return period


CANDLE_INPUT = SymbolInput("candles", CANDLES, "tasks.fetch.candles", None)
BY_PERIOD = (
    SymbolInput("order_book", ORDER_BOOK, "tasks.fetch.order_books", "period_order_books"),
    SymbolInput("trades", TRADES, "tasks.fetch.trades", "period_trades"),
    SymbolInput("open_interest", OPEN_INTEREST, "tasks.fetch.open_interest", "period_open_interest"),
    SymbolInput("long_short", LONG_SHORT, "tasks.fetch.long_short", "period_long_short"),
)
BY_SYMBOL = {one.source: one for one in (CANDLE_INPUT, *BY_PERIOD)}


def demand(house: House, exchange: str, offered: Sequence[str], timeframes: Sequence[str]) -> float:
    """Units of the exchange's rate that keeping one symbol up to date takes in a second."""
    a_candle = COSTS.of(exchange, CANDLE_INPUT.source)
    return sum(a_candle / TIMEFRAME_SECONDS[name] for name in timeframes) + sum(
        COSTS.of(exchange, one.source) / one.period_s(house) for one in BY_PERIOD if one.source in offered
    )


def claim_name(key: Key, seen_at: float | None) -> str:
    """The claim to whatever follows the value that was stored at `seen_at` in Unix seconds.

    It needs no release: a success makes a new name.
    """
    return f"fetch:{key.text}:{seen_at}"
