"""The volume of one timeframe: on which side of each bar, and of the mean price, the volume was traded.

All four are ratios of volume to volume or of price to price, lie in [-1, 1] and change their sign when
the prices are mirrored. Sources: Chaikin's money flow, Granville's on-balance volume (1963).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from market.components.definition import Component, Measured, SubScore, needs
from market.indicators import PRICE_TIE

if TYPE_CHECKING:
    from market.series import Series

BARS = 20

COMPONENT = Component(
    "volume",
    "timeframe",
    (
        SubScore("money_flow", 0.3, "CMF20 = sum((2c - h - l) / (h - l) v) / sum(v)"),
        SubScore("delta", 0.3, "sum of v sign(c - o) over 20 bars / sum(v)"),
        SubScore("balance", 0.2, "(OBV - OBV 20 bars ago) / sum(v)"),
        SubScore("vwap", 0.2, "tanh((c - VWAP20) / ATR14), VWAP of (h + l + c) / 3"),
    ),
)
_NAMES = tuple(sub_score.name for sub_score in COMPONENT.sub_scores)


def measure(series: Series) -> Measured:
    """The four sub-scores of the newest closed bar."""
    if series.bars < BARS:
        return Measured.of(dict.fromkeys(_NAMES, needs(BARS, series.bars)))
    traded = sum(series.volume[-BARS:].tolist())
    if not traded > 0:
        return Measured.of(dict.fromkeys(_NAMES, f"no volume in {BARS} bars"))
    flow, delta, balance, above = _sums(series)
    return Measured.of(
        {
            "money_flow": flow / traded,
            "delta": delta / traded,
            "balance": needs(BARS + 1, series.bars) if series.bars == BARS else balance / traded,
            "vwap": "no true range" if series.atr is None else math.tanh(above / traded / series.atr),
        }
    )


def _sums(series: Series) -> tuple[float, float, float, float]:
    """What the volume of 20 bars is multiplied with, each summed: in one plain loop.

    Over so few bars plain floats are quicker than numpy's calls. Prices nearer than the tie are equal.
    """
    closes = series.close[-BARS - 1 :].tolist()
    before = closes[0]  # with 20 bars alone there is none before: `balance` is absent then
    last, flow, delta, balance, above = series.last, 0.0, 0.0, 0.0, 0.0
    for open_, high, low, close, volume in zip(
        series.open[-BARS:].tolist(),
        series.high[-BARS:].tolist(),
        series.low[-BARS:].tolist(),
        closes[-BARS:],
        series.volume[-BARS:].tolist(),
        strict=True,
    ):
        width, body, step = high - low, close - open_, close - before
        if width > PRICE_TIE:
            flow += volume * ((close - low) - (high - close)) / width
        if body > PRICE_TIE:
            delta += volume
        elif body < -PRICE_TIE:
            delta -= volume
        if step > PRICE_TIE:
            balance += volume
        elif step < -PRICE_TIE:
            balance -= volume
        # From the newest close: prices that are all equal are then exactly at their mean.
        above += volume * (last - (high + low + close) / 3)
        before = close
    return flow, delta, balance, above
