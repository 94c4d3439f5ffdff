"""The same indicators by `ta`, those that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ta import momentum, trend, volatility, volume

if TYPE_CHECKING:
    import pandas as pd

LENGTHS = (10, 20, 30, 50, 100, 200)


def columns(frame: pd.DataFrame) -> dict[str, pd.Series]:
    """Every indicator as a column, by the names of `benchmarks.market.bare`."""
    high, low, close, traded = frame["high"], frame["low"], frame["close"], frame["volume"]
    cloud = trend.IchimokuIndicator(high, low, 9, 26, 52)
    directional = trend.ADXIndicator(high, low, close, 14)
    found = {f"sma{length}": trend.sma_indicator(close, length) for length in LENGTHS}
    found |= {f"ema{length}": trend.ema_indicator(close, length) for length in LENGTHS}
    return found | {
        "conversion": cloud.ichimoku_conversion_line(),
        "base": cloud.ichimoku_base_line(),
        "lead_b": cloud.ichimoku_b(),
        "rsi14": momentum.rsi(close, 14),
        "stochastic": momentum.stoch_signal(high, low, close, 14, 3),
        "cci20": trend.cci(close, close, close, 20),
        "adx14": directional.adx(),
        "plus14": directional.adx_pos(),
        "minus14": directional.adx_neg(),
        "awesome": momentum.awesome_oscillator(high, low, 5, 34),
        "macd": trend.macd(close, 26, 12),
        "stochastic_rsi": momentum.stochrsi_d(close, 14, 3, 3),
        "williams14": momentum.williams_r(high, low, close, 14),
        "ultimate": momentum.ultimate_oscillator(high, low, close, 7, 14, 28),
        "cmf20": volume.chaikin_money_flow(high, low, close, traded, 20),
        "obv": volume.on_balance_volume(close, traded),
        "atr14": volatility.average_true_range(high, low, close, 14),
    }
