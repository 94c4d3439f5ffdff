"""What has to be fetched next: pure functions over what the cache knows and the clocks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING
from zlib import crc32

from market.model import TIMEFRAME_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FIRST_ASK_S = 1.0  # exchanges need a moment to finish a candle
LONGEST_SPREAD_S = 20.0
LATENESS_S = 10.0
"""What a period is to other inputs, this is to candles: right after their close they go first."""
RETRY_S = 5.0
ABSENT = float("inf")


@dataclass(frozen=True, slots=True)
class Want:
    """One input of one symbol that may be asked for; `timeframe` is empty where there is none.

    `overdue` is in periods, below 0 while it is not due, `ABSENT` where nothing is there; `seen_at`
    is when the present value was stored, which names the claim to the next one.
    """

    source: str
    symbol: str
    timeframe: str
    period_s: float
    overdue: float
    seen_at: float | None


def spread_s(symbol: str, timeframe: str) -> float:
    """Seconds after its close at which a series is asked for: stable for a symbol, even over all symbols."""
    widest = min(LONGEST_SPREAD_S, TIMEFRAME_SECONDS[timeframe] / 4)
    return FIRST_ASK_S + _place(symbol) * (widest - FIRST_ASK_S)


def candles_due_at(closed_at: float, symbol: str, timeframe: str) -> float:
    """When the candle that follows the close that is there is asked for, by the exchange's clock."""
    return closed_at + TIMEFRAME_SECONDS[timeframe] + spread_s(symbol, timeframe)


def candles_overdue(
    closed_at: float,
    stored_at: float,
    symbol: str,
    timeframe: str,
    now: float,
    *,
    doubted: bool = False,
    first_at: float = 0.0,
) -> float:
    """How late the next candle of a series is, in units of `LATENESS_S`; all times by the exchange's clock.

    An answer that came when the candle was due, and did not bring it, puts off the next try: as long
    as it has been waited for, at most one timeframe. A series that stopped closing costs little. It is not
    waited for before `first_at`, when the first answer with this end came: that may have lacked the newest
    candles alone. One that is `doubted` before its next candle is due (it was expired, or its tier lost) is
    asked for at once.
    """
    due_at = candles_due_at(closed_at, symbol, timeframe)
    if doubted and now < due_at:
        return 0.0
    ask_at = due_at
    if stored_at >= due_at:
        waited_s = stored_at - max(due_at, first_at)
        ask_at = stored_at + min(max(RETRY_S, waited_s), TIMEFRAME_SECONDS[timeframe])
    return (now - due_at if now >= ask_at else now - ask_at) / LATENESS_S


def slot_overdue(
    stored_at: float, symbol: str, period_s: float, now: float, *, doubted: bool = False
) -> float:
    """How late the next value is, in periods.

    Every symbol has a moment of its own in each period: one request in each, spread evenly, whatever
    the time at which the last answer came. One that is `doubted` (it was expired, or its tier lost) does
    not wait for it: a period may be minutes, in which all that is made of it is marked.
    """
    into_slot_s = (stored_at - _place(symbol) * period_s) % period_s
    ask_after_s = period_s - into_slot_s
    if doubted:
        # Not at once: while no tier is shared, every value is doubted as soon as it is there.
        ask_after_s = min(ask_after_s, RETRY_S)
    return (now - stored_at - ask_after_s) / period_s


def in_order(wants: Iterable[Want], *, absent_first: bool = False) -> list[Want]:
    """Those that are due: the most overdue first, in turns with those of which there is nothing yet.

    In turns, so that neither waits for all of the other on an exchange that is slow; `absent_first`
    says whose turn it is.
    """
    due = [one for one in wants if one.overdue >= 0]
    absent = [one for one in due if one.overdue == ABSENT]
    # The first score needs candles of one timeframe; then what changes most.
    shortest_s = min((one.period_s for one in absent if one.timeframe), default=0.0)
    absent.sort(key=lambda one: (not one.timeframe or one.period_s > shortest_s, one.period_s))
    late = sorted((one for one in due if one.overdue < ABSENT), key=lambda one: -one.overdue)
    turns = zip_longest(absent, late) if absent_first else zip_longest(late, absent)
    return [one for one in chain.from_iterable(turns) if one is not None]


def by_batch(wants: Iterable[Want], size: int) -> list[tuple[str, str, list[str]]]:
    """Source, timeframe and at most `size` symbols, in the order in which the first of each was given."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for one in wants:
        grouped.setdefault((one.source, one.timeframe), []).append(one.symbol)
    return [
        (source, timeframe, batch)
        for (source, timeframe), symbols in grouped.items()
        for batch in batches(symbols, size)
    ]


def batches(symbols: Sequence[str], size: int) -> list[list[str]]:
    """`symbols` cut into lists of at most `size`."""
    return [list(symbols[start : start + size]) for start in range(0, len(symbols), size)]


def _place(symbol: str) -> float:
    """A number in [0, 1) that is always the same for a symbol and even over all of them."""
    return crc32(symbol.encode()) % 1000 / 1000
