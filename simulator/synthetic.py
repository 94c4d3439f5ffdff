"""The default market: seeded, endless, and the same after every restart.

Every price is a function of (seed, coin, minute) alone. A day's level is BTC's level times the coin's beta
plus the coin's own level, both slowly returning to their centre; inside the day a bridge of minute returns
leads from one level to the next. A coin's minute return is beta times BTC's plus its own noise; the size of
both follows a volatility that wanders through the hours, so calm and wild stretches cluster.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np

from simulator import noise
from simulator.model import DAY_MS, MINUTE_MS, Candles, Instrument, Panel, joined, no_candles, side_by_side
from simulator.paths import Factor, days, factor, rows_of
from simulator.universe import Coin, coins
from simulator.waves import DAY_MINUTES

if TYPE_CHECKING:
    from collections.abc import Sequence

# 2021-01-01: the listing day of everything.
FIRST_DAY = 18_628
_BLOCK_DAYS = 32
_KEPT_BLOCKS = 6
_KEPT_DAYS = 3
# Coins that are computed together: few enough that the work stays in the processor's cache.
_BATCH = 16
_SPOT_DIVISOR = 4


class SyntheticMarket:
    """Minute candles of made-up prices; remembers the newest days of all coins and BTC's last months."""

    source = "synthetic"
    base_ms = MINUTE_MS
    shift_ms = 0
    first_index = FIRST_DAY * DAY_MINUTES

    def __init__(self, *, symbols: int, seed: int) -> None:
        self.seed = seed
        self.stop_index: int | None = None
        listed = coins(symbols, seed)
        self.betas = {coin.name + "USDT": coin.beta for coin in listed}
        self.instruments = _instruments(listed, seed)
        self._batches = [rows_of(listed[at : at + _BATCH], seed) for at in range(0, symbols, _BATCH)]
        self._each = [rows_of((coin,), seed) for coin in listed]
        self._blocks: OrderedDict[int, Factor] = OrderedDict()
        self._days: OrderedDict[int, Panel] = OrderedDict()

    def base(self, series: int, first: int, stop: int) -> Candles:
        """Minute candles of one series, first <= minute < stop; see the Market contract."""
        first = max(first, self.first_index)
        if stop <= first:
            return no_candles()
        runs = []
        day, last = first // DAY_MINUTES, (stop - 1) // DAY_MINUTES
        while day <= last:
            until = min(day + _BLOCK_DAYS - day % _BLOCK_DAYS, last + 1)
            row, offset = self._row(series, day, until), day * DAY_MINUTES
            runs.append(_cut(row, offset, max(first, offset), min(stop, until * DAY_MINUTES)))
            day = until
        return joined(runs)

    def panel(self, first: int, stop: int) -> Panel:
        """Minute candles of all series; see the Market contract."""
        parts = []
        for day in range(first // DAY_MINUTES, (stop - 1) // DAY_MINUTES + 1):
            offset = day * DAY_MINUTES
            parts.append(self._day(day).between(max(first - offset, 0), min(stop - offset, DAY_MINUTES)))
        return side_by_side(parts, axis=1)

    def funding_rate(self, instrument: Instrument, at_ms: int) -> float | None:  # noqa: ARG002 - the contract's
        """None: the synthetic market has no recorded rates."""
        return None

    def open_interest(self, instrument: Instrument, at_ms: int) -> None:
        """None: here it is made from the seed."""

    def account_ratio(self, instrument: Instrument, at_ms: int) -> None:
        """None: here it is made from the seed."""

    def trades_before(self, instrument: Instrument, second: int, count: int) -> None:
        """None: here trades are made from the candles."""

    def book_at(self, instrument: Instrument, second: int) -> None:
        """None: here books are made from the last price."""

    def ticker_at(self, instrument: Instrument, second: int) -> None:
        """None: here tickers are made from the candles."""

    def _row(self, series: int, day: int, until: int) -> Panel:
        """Whole days of one series, all in one block."""
        if all(one in self._days for one in range(day, until)):
            return side_by_side([self._days[one].series(series) for one in range(day, until)], axis=0)
        return days(self._each[series], self._factor(day, until), day, until).series(0)

    def _day(self, day: int) -> Panel:
        panel = self._days.get(day)
        if panel is None:
            shared = self._factor(day, day + 1)
            panel = side_by_side([days(rows, shared, day, day + 1) for rows in self._batches], axis=0)
            self._days[day] = panel
            while len(self._days) > _KEPT_DAYS:
                self._days.popitem(last=False)
        return panel

    def _factor(self, day: int, until: int) -> Factor:
        """What all coins share, for days inside one block."""
        block = day // _BLOCK_DAYS
        start = block * _BLOCK_DAYS
        found = self._blocks.get(block)
        if found is None:
            found = self._blocks[block] = factor(self.seed, start, start + _BLOCK_DAYS)
            while len(self._blocks) > _KEPT_BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(block)
        return found.between(day - start, until - start)


def _cut(row: Panel, offset: int, first: int, stop: int) -> Candles:
    part = slice(first - offset, stop - offset)
    return Candles(
        np.arange(first, stop, dtype=np.int64) * MINUTE_MS, *(column[part] for column in row.columns())
    )


def _instruments(listed: Sequence[Coin], seed: int) -> tuple[Instrument, ...]:
    perpetuals = [_instrument(coin, series, "linear", 1, seed) for series, coin in enumerate(listed)]
    spot = [
        _instrument(coin, series, "spot", _SPOT_DIVISOR, seed)
        for series, coin in enumerate(listed)
        if coin.has_spot
    ]
    return (*perpetuals, *spot)


def _instrument(coin: Coin, series: int, category: str, divisor: int, seed: int) -> Instrument:
    symbol = coin.name + "USDT"
    return Instrument(
        category=category,
        symbol=symbol,
        base=coin.name,
        series=series,
        price_decimals=coin.price_decimals,
        qty_decimals=coin.qty_decimals,
        listed_at_ms=FIRST_DAY * DAY_MS,
        key=noise.key(seed, category, symbol),
        symbol_id=series + 1,
        daily_volume=int(coin.daily_turnover / coin.centre * 10**coin.qty_decimals) // divisor + 1,
        volume_divisor=divisor,
    )
