"""A 200 answer is not yet an answer: what must hold before a value of an exchange is believed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from market.errors import BadAnswer
from market.model import TIMEFRAME_SECONDS, OrderBook, Ticker

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from market.model import Floats

CANDLE_FIELDS = 6
LEVEL_FIELDS = 2
# The last price may be younger than the day's range that comes with it, the open of another day than that
# which rolls; but neither is in another world.
OUTSIDE_RANGE = 2.0
# Seconds by which a time may be ahead of what we know of the exchange's clock, which is a lower bound of it.
AHEAD_S = 10.0


def candle_rows(raw: Sequence[Any], timeframe: str, *, exchange: str, symbol: str) -> Floats:
    """Raw candles as an (n, 6) array, oldest first, of a time rising by whole steps.

    Raise `BadAnswer` for an empty list and for anything that cannot be a candle. Of two rows for the
    same time the later one counts.
    """
    if not raw:
        raise BadAnswer(exchange, "no candles", symbol=symbol)
    rows = _array(raw, CANDLE_FIELDS, exchange=exchange, symbol=symbol)
    times, opens, highs, lows, closes, volumes = rows.T
    steps = np.diff(times)
    wrong = {
        "a price that is not positive": lows <= 0,
        "high below open or close": highs < np.maximum(opens, closes),
        "low above open or close": lows > np.minimum(opens, closes),
        "negative volume": volumes < 0,
        "time going backwards": steps < 0,
        "time off the timeframe": times % (TIMEFRAME_SECONDS[timeframe] * 1000) != 0,
    }
    _refuse(wrong, exchange=exchange, symbol=symbol)
    last_of_its_time = np.append(steps > 0, True)
    kept: Floats = rows[last_of_its_time]
    return kept


def order_book(raw: Mapping[str, Any], *, exchange: str, symbol: str, depth: int, unit: float) -> OrderBook:
    """A book of at most `depth` levels a side; `unit` base units make one of its amounts; `as_of` is 0.

    Raise `BadAnswer` unless both sides have levels, best first, and the best bid is below the best ask.
    """
    bids, asks = (
        _array(raw[side][:depth], LEVEL_FIELDS, exchange=exchange, symbol=symbol)
        if raw.get(side)
        else np.zeros((0, LEVEL_FIELDS))
        for side in ("bids", "asks")
    )
    if not len(bids) or not len(asks):
        raise BadAnswer(exchange, "a side of the book is empty", symbol=symbol)
    wrong = {
        "a price that is not positive": np.concatenate((bids[:, 0], asks[:, 0])) <= 0,
        "an amount that is not positive": np.concatenate((bids[:, 1], asks[:, 1])) <= 0,
        "bids that do not fall": np.diff(bids[:, 0]) >= 0,
        "asks that do not rise": np.diff(asks[:, 0]) <= 0,
        "bid not below ask": bids[:1, 0] >= asks[:1, 0],
    }
    _refuse(wrong, exchange=exchange, symbol=symbol)
    bids[:, 1] *= unit
    asks[:, 1] *= unit
    return OrderBook(exchange, symbol, bids, asks, 0.0)


def contract_unit(market: Mapping[str, Any]) -> float:
    """Base units in one unit of a market's amounts: ccxt counts those of a derivative in contracts."""
    return float(market.get("contractSize") or 1.0) if market.get("contract") else 1.0


def ticker(raw: Mapping[str, Any], *, exchange: str, symbol: str, unit: float, now: float) -> Ticker | None:
    """One row of tickers, None when it cannot be true; fields that the exchange leaves out are None.

    Rows without a time are as of `now`, the exchange's clock. `unit` base units make one of the volume.
    """
    last, high, low = (positive(raw.get(name)) for name in ("last", "high", "low"))
    bid, ask = positive(raw.get("bid")), positive(raw.get("ask"))
    if last is None or (bid is not None and ask is not None and bid >= ask):
        return None
    opened = positive(raw.get("open"))
    if high is not None and low is not None:
        if high < low:
            return None
        if not low / OUTSIDE_RANGE <= last <= high * OUTSIDE_RANGE:
            return None
        if opened is not None and not low / OUTSIDE_RANGE <= opened <= high * OUTSIDE_RANGE:
            opened = None  # as from before a redenomination: the day's change is not known
    turnover, volume = _amount(raw.get("quoteVolume")), _amount(raw.get("baseVolume"))
    if turnover is None and volume is not None:
        turnover = volume * unit * last
    said_at = positive(raw.get("timestamp"))
    return Ticker(
        exchange=exchange,
        symbol=symbol,
        last=last,
        open_24h=opened,
        high_24h=high,
        low_24h=low,
        bid=bid,
        ask=ask,
        turnover_24h=turnover,
        as_of=now if said_at is None else min(now, said_at / 1000),
    )


def _array(raw: Sequence[Any], fields: int, *, exchange: str, symbol: str) -> Floats:
    try:
        rows = np.array([row[:fields] for row in raw], dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as exc:
        raise BadAnswer(exchange, "rows of another shape", symbol=symbol) from exc
    if rows.shape != (len(raw), fields) or not np.isfinite(rows).all():
        raise BadAnswer(exchange, "rows with missing numbers", symbol=symbol)
    return rows


def _refuse(wrong: Mapping[str, Any], *, exchange: str, symbol: str) -> None:
    for what, where in wrong.items():
        if where.any():
            raise BadAnswer(exchange, what, symbol=symbol)


def number(value: Any) -> float | None:
    """A finite number, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:  # an integer of hundreds of digits
        return None
    return found if math.isfinite(found) else None


def positive(value: Any) -> float | None:
    """A finite number above zero, None for anything else."""
    found = number(value)
    return found if found is not None and found > 0 else None


def _amount(value: Any) -> float | None:
    """A finite number of at least zero, else None."""
    found = number(value)
    return found if found is not None and found >= 0 else None
