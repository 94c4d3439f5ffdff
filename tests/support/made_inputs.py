"""Trades, open interest, funding, accounts and breadth made up for tests, and the changes they must bear."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from market.inputs import Breadth, Funding, LongShort, OpenInterest, Trades

NOW = 1_747_800_000.0
WHERE = ("simulated", "BTC/USDT:USDT")


def trades(rows, *, now: float = NOW, since: float | None = None) -> Trades:
    """Trades from (seconds before now, price, amount, side) rows, oldest first; 15 minutes are known."""
    ago, price, amount, side = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    return Trades(
        *WHERE,
        time=now - ago,
        price=price.copy(),
        amount=amount.copy(),
        side=side.astype(np.int8),
        since=now - 900 if since is None else since,
        last_ids=(),
        as_of=now,
    )


def random_trades(count: int, *, seed: int = 1, price: float = 100.0) -> Trades:
    """Trades of uneven sizes all over the last 15 minutes."""
    random = np.random.default_rng(seed)
    rows = (
        np.sort(random.uniform(0, 900, count))[::-1],
        price * (1 + np.cumsum(random.normal(0, 1e-4, count))),
        random.lognormal(0, 1.5, count),
        random.choice([-1, 1], count),
    )
    return trades(np.column_stack(rows))


def exchanged(original: Trades) -> Trades:
    """Every buy a sell and every sell a buy, at the same prices."""
    return replace(original, side=-original.side)


def mirrored_trades(original: Trades) -> Trades:
    """Buys and sells exchanged at prices p -> 2m - p, m the highest; each trade keeps its notional."""
    if not len(original):
        return original
    price = 2 * original.price.max() - original.price
    return replace(exchanged(original), price=price, amount=original.notional / price)


def open_interest(*amounts: float, every_s: float = 300.0, now: float = NOW) -> OpenInterest:
    """Open interest at even distances, the last one now."""
    times = tuple(now - every_s * (len(amounts) - 1 - at) for at in range(len(amounts)))
    return OpenInterest(*WHERE, times, amounts, now)


def funding(rate: float, *, interval_h: float | None = 8.0) -> Funding:
    """A funding rate per interval."""
    return Funding(*WHERE, rate, interval_h, None, NOW)


def long_short(ratio: float) -> LongShort:
    """Long accounts per short one."""
    return LongShort(*WHERE, ratio, NOW)


def breadth(above: int, symbols: int) -> Breadth:
    """Symbols above their 24 h open, of so many."""
    return Breadth(WHERE[0], above, symbols, NOW)
