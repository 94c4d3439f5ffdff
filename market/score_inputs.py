"""All that one score is computed from, under the names that its explanation uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from market.inputs import Breadth, Funding, LongShort, OpenInterest, Trades
    from market.model import OrderBook
    from market.timeframe_view import TimeframeView

CANDLES = "candles"
ORDER_BOOK = "order_book"
TRADES = "trades"
OPEN_INTEREST = "open_interest"
FUNDING = "funding"
LONG_SHORT = "long_short"
BREADTH = "breadth"

INPUTS = (CANDLES, ORDER_BOOK, TRADES, OPEN_INTEREST, FUNDING, LONG_SHORT, BREADTH)
"""Everything that an exchange can give to a score; one that has less gets scores with less in them."""

NOT_YET = {
    CANDLES: "no candles yet",
    ORDER_BOOK: "no order book yet",
    TRADES: "no trades yet",
    OPEN_INTEREST: "no open interest yet",
    FUNDING: "no funding rate yet",
    LONG_SHORT: "no long/short ratio yet",
    BREADTH: "no breadth yet",
}
"""Why an input is absent when nobody says it better."""


def candles_input(timeframe: str) -> str:
    """The name of the candles of one timeframe among the inputs of a score: "candles 1m"."""
    return f"{CANDLES} {timeframe}"


@dataclass(frozen=True, slots=True)
class ScoreInputs:
    """One symbol's timeframe views and the newest of everything else; None is what is not there."""

    views: Mapping[str, TimeframeView | None]
    book: OrderBook | None = None
    trades: Trades | None = None
    open_interest: OpenInterest | None = None
    funding: Funding | None = None
    long_short: LongShort | None = None
    breadth: Breadth | None = None

    def ages(self) -> dict[str, float]:
        """The `as_of` (Unix seconds) of each input that is there, candles apart, by its name."""
        known = {
            ORDER_BOOK: self.book,
            TRADES: self.trades,
            OPEN_INTEREST: self.open_interest,
            FUNDING: self.funding,
            LONG_SHORT: self.long_short,
            BREADTH: self.breadth,
        }
        return {name: value.as_of for name, value in known.items() if value is not None}
