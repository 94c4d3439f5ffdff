"""The indicators that a timeframe's sub-scores take, by TA-Lib alone: nothing is decided or explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import talib

if TYPE_CHECKING:
    from market.model import Candles, Floats

LENGTHS = (10, 20, 30, 50, 100, 200)


def columns(candles: Candles) -> dict[str, Floats]:
    """Every indicator as a column as long as the series, by name."""
    high, low, close, volume = candles.high, candles.low, candles.close, candles.volume
    found = {f"sma{length}": talib.SMA(close, length) for length in LENGTHS}
    found |= {f"ema{length}": talib.EMA(close, length) for length in LENGTHS}
    return found | {
        "hma9": talib.HMA(close, 9),
        "vwma20": talib.VWMA(close, volume, 20),
        "conversion": talib.MIDPRICE(high, low, 9),
        "base": talib.MIDPRICE(high, low, 26),
        "lead_b": talib.MIDPRICE(high, low, 52),
        "rsi14": talib.RSI(close, 14),
        "stochastic": talib.STOCH(high, low, close, 14, 3, 0, 3, 0)[0],
        "cci20": talib.CCI(close, close, close, 20),
        "adx14": talib.ADX(high, low, close, 14),
        "plus14": talib.PLUS_DI(high, low, close, 14),
        "minus14": talib.MINUS_DI(high, low, close, 14),
        "awesome": talib.AO(high, low, 5, 34),
        "momentum10": talib.MOM(close, 10),
        "macd": talib.MACD(close, 12, 26, 9)[0],
        "stochastic_rsi": talib.STOCHRSI(close, 14, 14, 3, 0)[1],
        "williams14": talib.WILLR(high, low, close, 14),
        "bull13": talib.ERI(high, low, close, 13)[0],
        "ultimate": talib.ULTOSC(high, low, close, 7, 14, 28),
        "cmf20": talib.CMF(high, low, close, volume, 20),
        "obv": talib.OBV(close, volume),
        "atr14": talib.ATR(high, low, close, 14),
        "high50": talib.MAX(high, 50),
        "low50": talib.MIN(low, 50),
        "slope20": talib.LINEARREG_SLOPE(close, 20),
        "swings": talib.FRACTAL(high, low, 2, 2)[0],
    }
