"""Domain values as the cache carries them: maps of strings and numbers."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from market.model import Instrument, Ticker

REPEATED_S = 300.0
"""An answer whose own time is older than this repeats what was long ago, and confirms nothing."""


def universe(instruments: Iterable[Instrument], timeframes: Sequence[str]) -> dict[str, Any]:
    """The tracked instruments in their order, and the timeframes that the exchange has candles of."""
    rows = [asdict(instrument) for instrument in instruments]
    return {
        "instruments": [{name: row[name] for name in row if name != "exchange"} for row in rows],
        "timeframes": list(timeframes),
    }


def tickers(
    values: Mapping[str, Ticker], tracked: Iterable[str], before: Mapping[str, Any] | None, now: float
) -> dict[str, Any]:
    """Tickers by symbol, each with its computed 24 h change in percent and when it was last confirmed.

    A tracked symbol that the answer left out keeps its last good row and with it that row's times.
    """
    kept = before["tickers"] if before is not None else {}
    rows = {symbol: kept[symbol] for symbol in tracked if symbol in kept}
    return {"tickers": {**rows, **{symbol: _ticker(ticker, now) for symbol, ticker in values.items()}}}


def timeframes_of(universe_value: Mapping[str, Any] | None, wanted: Sequence[str]) -> list[str]:
    """Those of the wanted timeframes that the exchange has; all while that is not known."""
    if universe_value is None:
        return list(wanted)
    return [timeframe for timeframe in wanted if timeframe in universe_value["timeframes"]]


def symbols_of(universe_value: Mapping[str, Any] | None) -> list[str]:
    """The symbols of a cached universe, by falling turnover; none when it is not there yet."""
    if universe_value is None:
        return []
    return [row["symbol"] for row in universe_value["instruments"]]


def _ticker(ticker: Ticker, now: float) -> dict[str, Any]:
    row = asdict(ticker)
    del row["exchange"], row["symbol"]
    confirmed_at = now if now - ticker.as_of <= REPEATED_S else ticker.as_of
    return {**row, "change_24h": ticker.change_24h, "confirmed_at": confirmed_at}
