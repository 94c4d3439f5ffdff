"""The same indicators by pandas-ta-classic, those that it has; it takes TA-Lib for what that has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas_ta_classic as pta

if TYPE_CHECKING:
    import pandas as pd

LENGTHS = (10, 20, 30, 50, 100, 200)


def columns(frame: pd.DataFrame) -> dict[str, pd.Series]:
    """Every indicator as a column, by the names of `benchmarks.market.bare`."""
    high, low, close, traded = frame["high"], frame["low"], frame["close"], frame["volume"]
    cloud = pta.ichimoku(high, low, close, 9, 26, 52)[0]
    directional = pta.adx(high, low, close, 14)
    found = {f"sma{length}": pta.sma(close, length) for length in LENGTHS}
    found |= {f"ema{length}": pta.ema(close, length) for length in LENGTHS}
    return found | {
        "hma9": pta.hma(close, 9),
        "vwma20": pta.vwma(close, traded, 20),
        "conversion": cloud["ITS_9"],
        "base": cloud["IKS_26"],
        "lead_b": cloud["ISB_26"],
        "rsi14": pta.rsi(close, 14),
        "stochastic": pta.stoch(high, low, close, 14, 3, 3)["STOCHk_14_3_3"],
        "cci20": pta.cci(close, close, close, 20),
        "adx14": directional["ADX_14"],
        "plus14": directional["DMP_14"],
        "minus14": directional["DMN_14"],
        "awesome": pta.ao(high, low, 5, 34),
        "momentum10": pta.mom(close, 10),
        "macd": pta.macd(close, 12, 26, 9)["MACD_12_26_9"],
        "stochastic_rsi": pta.stochrsi(close, 14, 14, 3, 3)["STOCHRSIk_14_14_3_3"],
        "williams14": pta.willr(high, low, close, 14),
        "bull13": pta.eri(high, low, close, 13)["BULLP_13"],
        "ultimate": pta.uo(high, low, close, 7, 14, 28),
        "cmf20": pta.cmf(high, low, close, traded, length=20),
        "obv": pta.obv(close, traded),
        "atr14": pta.atr(high, low, close, 14),
        "slope20": pta.linreg(close, 20, slope=True),
    }
