"""The market in a few numbers: how many rise, how much is traded, what Bitcoin does."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from market import indicators
from market.series import Series, unusable_because

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from market.model import Candles

HOURS_PER_YEAR = 24 * 365
LEAST_RETURNS, MOST_RETURNS = 24, 168
ADX_BARS = 14
TREND_FROM = 25.0  # Wilder's own reading: below 20 to 25 there is no trend to follow
MOST_FILLED = 0.05
LEADER = "BTC"
LIVE = "live"
HOUR_S, HOUR_GRACE_S = 3600, 300
# What is counted over the prices of all symbols.
OF_ALL = ("up", "down", "flat", "turnover_24h", "breadth")


@np.errstate(all="ignore")
def overview(rows: Sequence[Mapping[str, Any]], *, hourly_btc: Candles | None, now: float) -> dict[str, Any]:
    """Counts and sums over rows of (exchange, symbol), and Bitcoin's volatility and regime.

    A row has exchange, symbol, price, change_24h (percent) and turnover_24h (quote units), each of
    the numbers or None, and price_state and price_as_of. Whatever cannot be computed is None, with its
    reason in `missing`; what is made of prices that nobody confirmed, or of an hour of Bitcoin too long
    before `now` (Unix seconds), has one in `late`.
    """
    changes = [row["change_24h"] for row in rows if row["change_24h"] is not None]
    turnovers = [row["turnover_24h"] for row in rows if row["turnover_24h"] is not None]
    up, down = sum(change > 0 for change in changes), sum(change < 0 for change in changes)
    leader, no_change = _leader(rows), _Absent("no symbol has a 24 h change")
    found: dict[str, Any] = {
        "symbols": len(rows),
        "up": up if changes else no_change,
        "down": down if changes else no_change,
        "flat": len(changes) - up - down if changes else no_change,
        "turnover_24h": math.fsum(turnovers) if turnovers else _Absent("no symbol has a turnover"),
        "btc_price": _of_leader(leader, "price"),
        "btc_change_24h": _of_leader(leader, "change_24h"),
        "breadth": up / len(changes) if changes else no_change,
        "volatility": _hourly(hourly_btc, _volatility),
        "regime": _hourly(hourly_btc, _regime),
    }
    missing = {name: value.reason for name, value in found.items() if isinstance(value, _Absent)}
    late = {
        name: reason for name, reason in _late(rows, leader, hourly_btc, now).items() if name not in missing
    }
    values = {name: None if name in missing else value for name, value in found.items()}
    return {**values, "missing": missing, "late": late}


class _Absent:
    """Stands for a value that cannot be computed, with the reason."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


def _leader(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Bitcoin's row; of several one with a price, if possible confirmed, and of these the most traded."""
    candidates = [row for row in rows if str(row["symbol"]).partition("/")[0] == LEADER]

    def rank(row: Mapping[str, Any]) -> tuple[bool, bool, float]:
        return row["price"] is not None, row["price_state"] == LIVE, row["turnover_24h"] or 0.0

    return max(candidates, key=rank, default=None)


def _late(
    rows: Sequence[Mapping[str, Any]], leader: Mapping[str, Any] | None, hourly: Candles | None, now: float
) -> dict[str, str]:
    """Why some fields are older than they should be."""
    late: dict[str, str] = {}
    priced = [row for row in rows if row["price"] is not None]
    unconfirmed = sum(row["price_state"] != LIVE for row in priced)
    if unconfirmed:
        late |= dict.fromkeys(OF_ALL, f"{unconfirmed} of {len(priced)} prices are not confirmed")
    if leader is not None and leader["price_state"] != LIVE and leader["price_as_of"] is not None:
        reason = f"price not confirmed since {_clock_time(leader['price_as_of'])}"
        late |= dict.fromkeys(("btc_price", "btc_change_24h"), reason)
    if hourly is not None and now - hourly.closed_at > HOUR_S + HOUR_GRACE_S:
        reason = f"the newest hour of {LEADER} closed at {_clock_time(hourly.closed_at)}"
        late |= dict.fromkeys(("volatility", "regime"), reason)
    return late


def _clock_time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S} UTC"


def _of_leader(leader: Mapping[str, Any] | None, name: str) -> Any:
    if leader is None:
        return _Absent(f"{LEADER} is not among the symbols")
    return _Absent(f"{LEADER} has no ticker yet") if leader[name] is None else leader[name]


def _hourly(candles: Candles | None, measure: Callable[[Candles], float | str | _Absent]) -> Any:
    if candles is None:
        return _Absent(f"no hourly candles of {LEADER} yet")
    reason = unusable_because(candles)
    if reason is None and candles.filled_share > MOST_FILLED:
        reason = f"{candles.filled_share:.1%} of the bars were filled, more than {MOST_FILLED:.0%}"
    return _Absent(reason) if reason else measure(candles)


def _volatility(hourly: Candles) -> float | _Absent:
    """Annualised sample deviation of the log returns of the newest 24 to 168 hours, as a fraction."""
    returns = np.diff(np.log(hourly.close[-MOST_RETURNS - 1 :]))
    if len(returns) < LEAST_RETURNS:
        return _Absent(f"needs {LEAST_RETURNS + 1} hourly bars, has {len(hourly)}")
    return float(np.std(returns, ddof=1)) * math.sqrt(HOURS_PER_YEAR)


def _regime(hourly: Candles) -> str | _Absent:
    """`trend_up` or `trend_down` by +DI and -DI when ADX(14) is above 25, else `range`."""
    needed = 2 * ADX_BARS + 1
    if len(hourly) < needed:
        return _Absent(f"needs {needed} hourly bars, has {len(hourly)}")
    series = Series.of([hourly])
    index, _, plus, minus = indicators.directional(series.high, series.low, series.atr, ADX_BARS)
    # An index of bars that never moved is NaN, and is no trend.
    if not index[0] > TREND_FROM:
        return "range"
    return "trend_up" if plus[0] > minus[0] else "trend_down"
