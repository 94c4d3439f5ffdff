"""What has to be fetched next: pure functions over what the cache knows and the exchange's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from market.model import TIMEFRAME_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Series = tuple[str, str]
"""A symbol and a timeframe."""

FIRST_ASK_S = 1.0  # exchanges need a moment to finish a candle
LONGEST_SPREAD_S = 20.0
NEVER = float("-inf")


def spread_s(symbol: str, timeframe: str) -> float:
    """Seconds after its close at which a series is asked for: stable for a symbol, even over all symbols."""
    widest = min(LONGEST_SPREAD_S, TIMEFRAME_SECONDS[timeframe] / 4)
    return FIRST_ASK_S + _place(symbol) * (widest - FIRST_ASK_S)


def due_candles(
    symbols: Sequence[str], timeframes: Sequence[str], closed_at: Mapping[Series, float], now: float
) -> list[Series]:
    """Series that nobody has yet, shortest timeframe first, then those whose next candle has closed.

    `closed_at` holds Unix seconds for the series that are there; `now` is the exchange's clock.
    """
    shortest_first = sorted(timeframes, key=TIMEFRAME_SECONDS.__getitem__)
    absent = [
        (symbol, timeframe)
        for timeframe in shortest_first
        for symbol in symbols
        if (symbol, timeframe) not in closed_at
    ]
    overdue = [
        (symbol, timeframe)
        for timeframe in shortest_first
        for symbol in symbols
        if _next_ask(closed_at.get((symbol, timeframe)), symbol, timeframe) <= now
    ]
    return absent + overdue


def due_books(symbols: Sequence[str], as_of: Mapping[str, float], now: float, period_s: float) -> list[str]:
    """Symbols whose order book is absent or old, the oldest first.

    A book is old at a moment of that symbol's own in the last quarter of the period, so that books
    that were fetched together drift apart and none is older than the period when it is asked for.
    """
    due = [
        symbol for symbol in symbols if now - as_of.get(symbol, NEVER) >= period_s * (1 - _place(symbol) / 4)
    ]
    return sorted(due, key=lambda symbol: as_of.get(symbol, NEVER))


def by_timeframe(series: Iterable[Series]) -> dict[str, list[str]]:
    """The symbols of each timeframe, in the order given."""
    grouped: dict[str, list[str]] = {}
    for symbol, timeframe in series:
        grouped.setdefault(timeframe, []).append(symbol)
    return grouped


def batches(symbols: Sequence[str], size: int) -> list[list[str]]:
    """`symbols` cut into lists of at most `size`."""
    return [list(symbols[start : start + size]) for start in range(0, len(symbols), size)]


def _place(symbol: str) -> float:
    """A number in [0, 1) that is always the same for a symbol and even over all of them."""
    return crc32(symbol.encode()) % 1000 / 1000


def _next_ask(closed_at: float | None, symbol: str, timeframe: str) -> float:
    if closed_at is None:
        return float("inf")
    return closed_at + TIMEFRAME_SECONDS[timeframe] + spread_s(symbol, timeframe)
