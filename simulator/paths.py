"""The arithmetic of the synthetic market: whole days of minute candles as functions of seed, coin and day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator import noise
from simulator.model import Ints, Panel, Reals
from simulator.waves import DAY_MINUTES, levels_of, volatility_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.universe import Coin

_BITCOIN_DAILY = 0.02
_MINUTES_ROOT = DAY_MINUTES**0.5
# Trading is busiest in the European and American afternoon.
_OF_THE_DAY = 1 + 0.25 * np.cos(2 * np.pi * (np.arange(DAY_MINUTES) - 900) / DAY_MINUTES)


@dataclass(frozen=True, slots=True)
class Rows:
    """Some coins as columns that broadcast over (series, day, minute)."""

    returns: noise.Unsigned
    extras: noise.Unsigned
    levels: noise.Unsigned
    hours: noise.Unsigned
    beta: Reals
    own: Reals
    log_ticks: Reals
    volume: Reals
    unit: Reals


@dataclass(frozen=True, slots=True)
class Factor:
    """What all coins share during some days.

    BTC's minute returns and the market's volatility have the shape (day, minute); `levels` are BTC's log
    levels at the start of each day and at the end of the last.
    """

    returns: Reals
    volatility: Reals
    levels: Reals

    def between(self, first: int, stop: int) -> Factor:
        """The days first <= place < stop."""
        return Factor(self.returns[first:stop], self.volatility[first:stop], self.levels[first : stop + 1])


def rows_of(coins: Sequence[Coin], seed: int) -> Rows:
    """The columns of some coins."""

    def keys(purpose: str) -> noise.Unsigned:
        made = [noise.key(seed, coin.name, purpose) for coin in coins]
        return np.array(made, dtype=np.uint64)[:, None, None]

    def column(values: Sequence[float]) -> Reals:
        return np.array(values, dtype=np.float64)[:, None, None]

    return Rows(
        returns=keys("returns"),
        extras=keys("extras"),
        levels=keys("levels"),
        hours=keys("hours"),
        beta=column([coin.beta for coin in coins]),
        own=column([coin.own_deviation for coin in coins]),
        log_ticks=column([float(np.log(coin.centre * 10**coin.price_decimals)) for coin in coins]),
        volume=column([coin.daily_turnover / DAY_MINUTES for coin in coins]),
        unit=column([10.0 ** -(coin.price_decimals + coin.qty_decimals) for coin in coins]),
    )


def factor(seed: int, day: int, until: int) -> Factor:
    """The factor of the days day <= d < until."""
    volatility = volatility_of(noise.key(seed, "market hours"), day, until)[0] * _OF_THE_DAY
    bits = noise.hashed(noise.key(seed, "market returns"), _minutes(day, until))
    returns = noise.normal(bits) * volatility * (_BITCOIN_DAILY / _MINUTES_ROOT)
    levels = levels_of(noise.key(seed, "market levels"), day, until + 1)[0] * _BITCOIN_DAILY
    returns += (np.diff(levels) / DAY_MINUTES - returns.mean(axis=1))[:, None]
    return Factor(returns, volatility, levels)


def days(rows: Rows, shared: Factor, day: int, until: int) -> Panel:
    """The minute candles of some coins in the days day <= d < until, shape (series, days * minutes)."""
    minutes = _minutes(day, until)
    volatility = volatility_of(rows.hours, day, until) * shared.volatility
    returns = noise.normal(noise.hashed(rows.returns, minutes))
    returns *= volatility
    returns *= rows.own / _MINUTES_ROOT
    levels = levels_of(rows.levels, day, until + 1) * rows.own[:, 0]
    # The bridge: what the noise of a day adds up to gives way to what the levels say.
    returns += (np.diff(levels) / DAY_MINUTES - returns.mean(axis=2))[:, :, None]
    returns += rows.beta * shared.returns
    size = np.abs(returns)
    bounds = rows.log_ticks[:, 0] + rows.beta[:, 0] * shared.levels + levels
    path = np.cumsum(returns, axis=2, out=returns)
    path += bounds[:, :-1, None]
    path[:, :, -1] = bounds[:, 1:]
    closes = np.maximum(np.rint(np.exp(path, out=path)), 1).astype(np.int64)
    opens = np.empty_like(closes)
    opens[:, :, 1:] = closes[:, :, :-1]
    opens[:, :, 0] = np.maximum(np.rint(np.exp(bounds[:, :-1])), 1)
    return _dressed(rows, opens=opens, closes=closes, size=size, volatility=volatility, minutes=minutes)


def _dressed(
    rows: Rows, *, opens: Ints, closes: Ints, size: Reals, volatility: Reals, minutes: Ints
) -> Panel:
    """Add highs, lows, volume and turnover to the opens and closes."""
    bits = noise.hashed(rows.extras, minutes)
    deviation = _BITCOIN_DAILY + rows.own
    reach = volatility * closes
    reach *= deviation * (0.9 / _MINUTES_ROOT)
    highs = np.maximum(opens, closes) + (reach * noise.uniform(bits, 0) ** 2).astype(np.int64)
    lows = np.minimum(opens, closes) - (reach * noise.uniform(bits, 1) ** 2).astype(np.int64)
    np.maximum(lows, 1, out=lows)
    middle = (opens + highs + lows + closes) * 0.25
    # Busy minutes are those that move: a part of the volume grows with the size of the return.
    activity = volatility * (0.25 + 1.3 * noise.uniform(bits, 2) ** 2)
    activity += size * (0.8 * _MINUTES_ROOT / deviation)
    volume = np.rint(activity * rows.volume / (middle * rows.unit)).astype(np.int64)
    turnover = volume * middle * rows.unit
    shape = (len(opens), opens.shape[1] * opens.shape[2])
    return Panel(
        opens.reshape(shape),
        highs.reshape(shape),
        lows.reshape(shape),
        closes.reshape(shape),
        volume.reshape(shape),
        turnover.reshape(shape),
    )


def _minutes(day: int, until: int) -> Ints:
    """The minutes since 1970 of some days, shape (days, minutes)."""
    return np.arange(day * DAY_MINUTES, until * DAY_MINUTES, dtype=np.int64).reshape(-1, DAY_MINUTES)
