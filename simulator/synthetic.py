"""The default market: seeded, endless, and the same after every restart.

Every price is a function of (seed, series, minute) alone. A day's level is BTC's level times the coin's beta
plus the coin's own level, both slowly returning to their centre; inside the day a bridge of minute returns leads
from one level to the next. A coin's minute return is beta times BTC's plus its own noise; the size of both
follows a volatility that wanders through the hours, so calm and wild stretches cluster.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from simulator import noise
from simulator.model import DAY_MS, MINUTE_MS, Candles, Instrument, Ints, Panel, Reals, joined
from simulator.universe import Coin, coins

DAY_MINUTES = 1440
_KNOT_MINUTES = 10
_KNOTS = DAY_MINUTES // _KNOT_MINUTES
# 2021-01-01: the listing day of everything.
FIRST_DAY = 18_628
_BLOCK_DAYS = 32
_KEPT_BLOCKS = 6
_KEPT_DAYS = 3
# Coins that are computed together: few enough that the work stays in the processor's cache.
_BATCH = 16

_BITCOIN_DAILY = 0.02
_MINUTES_ROOT = DAY_MINUTES**0.5
# Moving averages with whole-number weights: exact, hence the same however the work is cut up.
_WEIGHT_UNIT = 1 << 20


def _weights(decay: float, length: int) -> Ints:
    return np.rint(decay ** np.arange(length)[::-1] * _WEIGHT_UNIT).astype(np.int64)


_LEVEL_WEIGHTS = _weights(0.97, 180)
_HOURS_WEIGHTS = _weights(0.95, 96)
# The moving averages above have this deviation for noise of deviation 1.
_HOURS_DEVIATION = float(np.sqrt(np.sum((_HOURS_WEIGHTS / _WEIGHT_UNIT) ** 2)))
_SWING = 0.55
_RAMP = np.arange(_KNOT_MINUTES) / _KNOT_MINUTES
# Trading is busiest in the European and American afternoon.
_OF_THE_DAY = 1 + 0.25 * np.cos(2 * np.pi * (np.arange(DAY_MINUTES) - 900) / DAY_MINUTES)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The coins of one computation as columns that broadcast over (series, day, minute)."""

    returns: noise.Unsigned
    extras: noise.Unsigned
    levels: noise.Unsigned
    hours: noise.Unsigned
    beta: Reals
    own: Reals
    log_ticks: Reals
    volume: Reals
    unit: Reals


class SyntheticMarket:
    """Minute candles of made-up prices; keeps the newest days of all coins and some of BTC's past in memory."""

    source = "synthetic"
    base_ms = MINUTE_MS
    shift_ms = 0
    first_index = FIRST_DAY * DAY_MINUTES
    stop_index: int | None = None

    def __init__(self, *, symbols: int, seed: int) -> None:
        self.seed = seed
        self._coins = coins(symbols, seed)
        self.betas = {coin.name + "USDT": coin.beta for coin in self._coins}
        self.instruments = _instruments(self._coins, seed)
        self._batches = [_rows(self._coins[at : at + _BATCH], seed) for at in range(0, symbols, _BATCH)]
        self._each = [_rows((coin,), seed) for coin in self._coins]
        self._factor_keys = {name: np.uint64(noise.key(seed, "BTC", name)) for name in _PURPOSES}
        self._blocks: OrderedDict[int, tuple[Reals, Reals]] = OrderedDict()
        self._days: OrderedDict[int, Panel] = OrderedDict()

    def base(self, series: int, first: int, stop: int) -> Candles:
        """Minute candles of one series, first <= minute < stop; see the Market contract."""
        first = max(first, self.first_index)
        if stop <= first:
            return _as_candles(self._compute(self._each[series], FIRST_DAY, FIRST_DAY + 1), 0, 0, 0)
        runs = []
        day, last = first // DAY_MINUTES, (stop - 1) // DAY_MINUTES
        while day <= last:
            until = min(day + _BLOCK_DAYS - day % _BLOCK_DAYS, last + 1)
            runs.append(self._run(series, day, until, max(first, day * DAY_MINUTES), stop))
            day = until
        return joined(runs)

    def panel(self, first: int, stop: int) -> Panel:
        """Minute candles of all series; see the Market contract."""
        parts = []
        for day in range(first // DAY_MINUTES, (stop - 1) // DAY_MINUTES + 1):
            offset = day * DAY_MINUTES
            parts.append(_columns(self._day(day), max(first - offset, 0), min(stop - offset, DAY_MINUTES)))
        if len(parts) == 1:
            return parts[0]
        return Panel(*(np.concatenate(columns, axis=1) for columns in zip(*map(_fields, parts), strict=True)))

    def funding_rate(self, instrument: Instrument, at_ms: int) -> float | None:  # noqa: ARG002 - the contract's
        """None: the synthetic market has no recorded rates."""
        return None

    def _run(self, series: int, day: int, until: int, first: int, stop: int) -> Candles:
        if all(one in self._days for one in range(day, until)):
            parts = [_row(self._days[one], series) for one in range(day, until)]
            whole = Panel(*(np.concatenate(columns) for columns in zip(*map(_fields, parts), strict=True)))
        else:
            whole = _row(self._compute(self._each[series], day, until), 0)
        offset = day * DAY_MINUTES
        return _as_candles(whole, offset, first - offset, min(stop - offset, len(whole.open)))

    def _day(self, day: int) -> Panel:
        panel = self._days.get(day)
        if panel is None:
            parts = [_fields(self._compute(rows, day, day + 1)) for rows in self._batches]
            panel = self._days[day] = Panel(*map(np.concatenate, zip(*parts, strict=True)))
            while len(self._days) > _KEPT_DAYS:
                self._days.popitem(last=False)
        return panel

    def _factor(self, day: int, until: int) -> tuple[Reals, Reals]:
        """BTC's minute returns and the market's volatility, shape (days, minutes), inside one block."""
        block = day // _BLOCK_DAYS
        found = self._blocks.get(block)
        if found is None:
            start = block * _BLOCK_DAYS
            found = self._blocks[block] = self._compute_factor(start, start + _BLOCK_DAYS)
            while len(self._blocks) > _KEPT_BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(block)
        offset = block * _BLOCK_DAYS
        return found[0][day - offset : until - offset], found[1][day - offset : until - offset]

    def _compute_factor(self, day: int, until: int) -> tuple[Reals, Reals]:
        keys = self._factor_keys
        volatility = _volatility(keys["hours"], day, until)[0] * _OF_THE_DAY
        bits = noise.hashed(keys["returns"], np.arange(day * DAY_MINUTES, until * DAY_MINUTES))
        returns = noise.normal(bits).reshape(until - day, DAY_MINUTES)
        returns *= volatility * (_BITCOIN_DAILY / _MINUTES_ROOT)
        levels = _levels(keys["levels"], day, until + 1)[0] * _BITCOIN_DAILY
        returns += (np.diff(levels) / DAY_MINUTES - returns.mean(axis=1))[:, None]
        return returns, volatility

    def _compute(self, rows: _Rows, day: int, until: int) -> Panel:
        """Whole days of some coins, shape (series, days * minutes); the days lie in one block."""
        count, days = len(rows.beta), until - day
        factor, market_volatility = self._factor(day, until)
        minutes = np.arange(day * DAY_MINUTES, until * DAY_MINUTES).reshape(days, DAY_MINUTES)
        volatility = _volatility(rows.hours, day, until) * market_volatility
        own = noise.normal(noise.hashed(rows.returns, minutes))
        own *= volatility
        own *= rows.own / _MINUTES_ROOT
        levels = _levels(rows.levels, day, until + 1) * rows.own[:, 0]
        own += (np.diff(levels) / DAY_MINUTES - own.mean(axis=2))[:, :, None]
        own += rows.beta * factor
        start = rows.log_ticks[:, 0] + rows.beta[:, 0] * self._bitcoin_levels(day, until + 1) + levels
        size = np.abs(own)
        path = np.cumsum(own, axis=2, out=own)
        path += start[:, :-1, None]
        path[:, :, -1] = start[:, 1:]
        closes = np.maximum(np.rint(np.exp(path, out=path)), 1).astype(np.int64)
        opens = np.empty_like(closes)
        opens[:, :, 1:] = closes[:, :, :-1]
        opens[:, :, 0] = np.maximum(np.rint(np.exp(start[:, :-1])), 1)
        return _dressed(rows, opens, closes, size, volatility, minutes, (count, days * DAY_MINUTES))

    def _bitcoin_levels(self, day: int, until: int) -> Reals:
        return _levels(self._factor_keys["levels"], day, until)[0] * _BITCOIN_DAILY


def _dressed(
    rows: _Rows,
    opens: Ints,
    closes: Ints,
    size: Reals,
    volatility: Reals,
    minutes: Ints,
    shape: tuple[int, int],
) -> Panel:
    """Add highs, lows, volume and turnover to the opens and closes."""
    bits = noise.hashed(rows.extras, minutes)
    reach = volatility * closes
    reach *= (_BITCOIN_DAILY + rows.own) * (0.9 / _MINUTES_ROOT)
    highs = np.maximum(opens, closes) + (reach * noise.uniform(bits, 0) ** 2).astype(np.int64)
    lows = np.minimum(opens, closes) - (reach * noise.uniform(bits, 1) ** 2).astype(np.int64)
    np.maximum(lows, 1, out=lows)
    middle = (opens + highs + lows + closes) * 0.25
    # Busy minutes are those that move: a part of the volume grows with the size of the return.
    activity = volatility * (0.25 + 1.3 * noise.uniform(bits, 2) ** 2)
    activity += size * (0.8 * _MINUTES_ROOT / (_BITCOIN_DAILY + rows.own))
    volume = np.rint(activity * rows.volume / (middle * rows.unit)).astype(np.int64)
    turnover = volume * middle * rows.unit
    return Panel(*(column.reshape(shape) for column in (opens, highs, lows, closes, volume, turnover)))


_PURPOSES = ("returns", "extras", "levels", "hours")


def _rows(listed: tuple[Coin, ...], seed: int) -> _Rows:
    def column(values: list[float]) -> Reals:
        return np.array(values, dtype=np.float64)[:, None, None]

    keys = {
        purpose: np.array([noise.key(seed, coin.name, purpose, "own") for coin in listed], dtype=np.uint64)[
            :, None, None
        ]
        for purpose in _PURPOSES
    }
    return _Rows(
        **keys,
        beta=column([coin.beta for coin in listed]),
        own=column([coin.own_deviation for coin in listed]),
        log_ticks=column([float(np.log(coin.centre * 10**coin.price_decimals)) for coin in listed]),
        volume=column([coin.daily_turnover / DAY_MINUTES for coin in listed]),
        unit=column([10.0 ** -(coin.price_decimals + coin.qty_decimals) for coin in listed]),
    )


def _instruments(listed: tuple[Coin, ...], seed: int) -> tuple[Instrument, ...]:
    made = []
    for category, divisor in (("linear", 1), ("spot", 4)):
        for series, coin in enumerate(listed):
            if category == "spot" and not coin.has_spot:
                continue
            symbol = coin.name + "USDT"
            made.append(
                Instrument(
                    category=category,
                    symbol=symbol,
                    base=coin.name,
                    series=series,
                    price_decimals=coin.price_decimals,
                    qty_decimals=coin.qty_decimals,
                    listed_at_ms=FIRST_DAY * DAY_MS,
                    key=noise.key(seed, category, symbol),
                    symbol_id=series + 1,
                    daily_volume=int(coin.daily_turnover / coin.centre * 10**coin.qty_decimals) // divisor
                    + 1,
                    volume_divisor=divisor,
                )
            )
    return tuple(made)


def _averaged(keys: noise.Unsigned | np.uint64, first: int, stop: int, weights: Ints) -> Reals:
    """A moving average of noise, shape (series, stop - first)."""
    index = np.arange(first - len(weights) + 1, stop)
    bells = noise.bell(noise.hashed(np.asarray(keys).reshape(-1, 1), index))
    windows = np.lib.stride_tricks.sliding_window_view(bells, len(weights), axis=1)
    return (windows @ weights) * (1.0 / (_WEIGHT_UNIT * noise.BELL_UNIT))


def _levels(keys: noise.Unsigned | np.uint64, day: int, until: int) -> Reals:
    """The log level at each day's start, in daily deviations, shape (series, days)."""
    return _averaged(keys, day, until, _LEVEL_WEIGHTS)


def _volatility(keys: noise.Unsigned | np.uint64, day: int, until: int) -> Reals:
    """The wandering size of returns around 1, shape (series, days, minutes)."""
    wave = _averaged(keys, day * _KNOTS, until * _KNOTS + 1, _HOURS_WEIGHTS) * (_SWING / _HOURS_DEVIATION)
    knots = np.exp(wave - _SWING**2 / 2)
    left, step = knots[:, :-1, None], np.diff(knots)[:, :, None]
    return (left + step * _RAMP).reshape(len(knots), until - day, DAY_MINUTES)


def _fields(panel: Panel) -> tuple[Ints, Ints, Ints, Ints, Ints, Reals]:
    return panel.open, panel.high, panel.low, panel.close, panel.volume, panel.turnover


def _columns(panel: Panel, first: int, stop: int) -> Panel:
    return Panel(*(column[:, first:stop] for column in _fields(panel)))


def _row(panel: Panel, series: int) -> Panel:
    return Panel(*(column[series] for column in _fields(panel)))


def _as_candles(row: Panel, offset: int, first: int, stop: int) -> Candles:
    opens = (offset + np.arange(first, stop)) * MINUTE_MS
    return Candles(opens, *(column[first:stop] for column in _fields(row)))
