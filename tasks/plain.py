"""Domain values as the cache carries them: maps of strings and numbers."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from market.inputs import Breadth

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from market.inputs import Funding
    from market.model import Instrument, Ticker

REPEATED_S = 300.0
"""An answer whose own time is older than this repeats what was long ago, and confirms nothing."""

EVERYWHERE = ("candles", "order_book")
"""Inputs that every exchange has."""


def universe(
    instruments: Iterable[Instrument], timeframes: Sequence[str], inputs: Sequence[str]
) -> dict[str, Any]:
    """The tracked instruments in their order, the timeframes and the inputs that the exchange has."""
    rows = [asdict(instrument) for instrument in instruments]
    return {
        "instruments": [{name: row[name] for name in row if name != "exchange"} for row in rows],
        "timeframes": list(timeframes),
        "inputs": list(inputs),
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


def carries_of(universe_value: Mapping[str, Any] | None) -> int | None:
    """How many of its symbols the exchange's rate keeps up to date; None when it is all, or not known."""
    return None if universe_value is None else universe_value.get("carries")


def inputs_of(universe_value: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The inputs that the exchange has; those that every exchange has while that is not known."""
    if universe_value is None:
        return EVERYWHERE
    return tuple(universe_value.get("inputs", EVERYWHERE))


def funding(
    rates: Mapping[str, Funding], tracked: Iterable[str], before: Mapping[str, Any] | None, since: float
) -> dict[str, Any]:
    """Funding rates by symbol.

    A tracked symbol that the answer left out keeps its last rate if that was true after `since`.
    """
    kept = before["funding"] if before is not None else {}
    rows = {symbol: kept[symbol] for symbol in tracked if symbol in kept and kept[symbol]["as_of"] > since}
    return {"funding": {**rows, **{symbol: rate.to_plain() for symbol, rate in rates.items()}}}


def breadth(exchange: str, tickers_value: Mapping[str, Any], as_of: float, *, since: float) -> dict[str, Any]:
    """How many of the symbols that have a 24 h open stand above it, by prices confirmed since `since`."""
    rows = [
        row
        for row in tickers_value["tickers"].values()
        if row["last"] and row["open_24h"] and row["confirmed_at"] >= since
    ]
    above = sum(row["last"] > row["open_24h"] for row in rows)
    return Breadth(exchange, above, len(rows), as_of).to_plain()


def symbols_of(universe_value: Mapping[str, Any] | None) -> list[str]:
    """The symbols of a cached universe, by falling turnover; none when it is not there yet."""
    if universe_value is None:
        return []
    return [row["symbol"] for row in universe_value["instruments"]]


def turnovers_of(universe_value: Mapping[str, Any] | None) -> dict[str, float | None]:
    """The 24 h turnover of each symbol of a cached universe; nothing when it is not there yet."""
    if universe_value is None:
        return {}
    return {row["symbol"]: row["turnover_24h"] for row in universe_value["instruments"]}


def _ticker(ticker: Ticker, now: float) -> dict[str, Any]:
    row = asdict(ticker)
    del row["exchange"], row["symbol"]
    confirmed_at = now if now - ticker.as_of <= REPEATED_S else ticker.as_of
    return {**row, "change_24h": ticker.change_24h, "confirmed_at": confirmed_at}
