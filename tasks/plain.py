"""Domain values as the cache carries them: maps of strings and numbers."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from market.model import Instrument, Ticker


def universe(instruments: Iterable[Instrument]) -> dict[str, Any]:
    """The tracked instruments in their order, without the exchange, which is in the key."""
    rows = [asdict(instrument) for instrument in instruments]
    return {"instruments": [{name: row[name] for name in row if name != "exchange"} for row in rows]}


def tickers(values: Mapping[str, Ticker]) -> dict[str, Any]:
    """Tickers by symbol, each with its computed 24 h change in percent."""
    return {"tickers": {symbol: _ticker(ticker) for symbol, ticker in values.items()}}


def symbols_of(universe_value: Mapping[str, Any] | None) -> list[str]:
    """The symbols of a cached universe, by falling turnover; none when it is not there yet."""
    if universe_value is None:
        return []
    return [row["symbol"] for row in universe_value["instruments"]]


def _ticker(ticker: Ticker) -> dict[str, Any]:
    row = asdict(ticker)
    del row["exchange"], row["symbol"]
    return {**row, "change_24h": ticker.change_24h}
