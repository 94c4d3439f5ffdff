"""What is scored in these measurements: made-up inputs, the same in every run, as the cache gives them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from market.inputs import Trades
from market.model import Candles, OrderBook
from tests.support import made_inputs
from tests.support.made_candles import book, walk

if TYPE_CHECKING:
    from market.inputs import Breadth, Funding, LongShort, OpenInterest

SYMBOLS, BARS, LEVELS, TRADES = 175, 500, 50, 900
TIMEFRAMES = {"1m": 0.50, "5m": 0.30, "30m": 0.15, "4h": 0.05}
EXCHANGE = "simulated"


def symbol(number: int) -> str:
    """The name of the symbol with this number."""
    return f"SYM{number}/USDT:USDT"


def candles(number: int) -> dict[str, Candles]:
    """Its series by timeframe, decoded from what the cache holds."""
    series = (
        walk(BARS, seed=number * len(TIMEFRAMES) + at, timeframe=timeframe)
        for at, timeframe in enumerate(TIMEFRAMES)
    )
    return {each.timeframe: Candles.from_plain(each.to_plain()) for each in series}


def order_book(number: int) -> OrderBook:
    """Its book, 50 levels a side."""
    random = np.random.default_rng(number)
    sides = [
        np.column_stack((100 + sign * 0.01 * np.arange(1, LEVELS + 1), random.lognormal(0, 1, LEVELS)))
        for sign in (-1, 1)
    ]
    return OrderBook.from_plain(EXCHANGE, symbol(number), book(*sides).to_plain())


def trades(number: int) -> Trades:
    """Its trades of the last 15 minutes, about one a second."""
    made = made_inputs.random_trades(TRADES, seed=number)
    return Trades.from_plain(EXCHANGE, symbol(number), made.to_plain())


def derivatives(number: int) -> tuple[OpenInterest, Funding, LongShort, Breadth]:
    """The few numbers that only perpetuals have, and the breadth of the exchange."""
    random = np.random.default_rng(number)
    interest = made_inputs.open_interest(*(1e6 + random.normal(0, 5e3, 14)).tolist())
    return (
        replace(interest, symbol=symbol(number)),
        made_inputs.funding(float(random.normal(0, 1e-4))),
        made_inputs.long_short(float(random.lognormal(0, 0.3))),
        made_inputs.breadth(90, SYMBOLS),
    )
