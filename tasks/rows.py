"""One line of the dashboard: a symbol's price and score with how true they are right now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cache import states
from market.components.registry import COMPONENTS as REGISTERED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cache import Entry

COMPONENTS = tuple(component.name for component in REGISTERED)
SCORE_DIGITS = 2
CHANGE_DIGITS = 4


def symbol_row(
    *,
    exchange: Mapping[str, Any],
    symbol: str,
    tickers: Entry | None,
    score: Entry | None,
    spark: Sequence[float],
    now: float,
    price_ttl_s: float,
) -> dict[str, Any]:
    """The row for one symbol; `exchange` is its line of the exchanges' states. Missing numbers are None.

    `price_ttl_s` is for how long an exchange's word on a price counts.
    """
    ticker = tickers.value["tickers"].get(symbol) if tickers else None
    value = score.value if score else None
    components = value["components"] if value else {}
    price_as_of = ticker["as_of"] if ticker else None
    score_as_of = score.as_of if score else None
    as_of = min((at for at in (price_as_of, score_as_of) if at is not None), default=None)
    price_state = states.of_price(tickers, symbol, now=now, ttl_s=price_ttl_s)
    state, reasons = states.of_symbol(price_state, ticker, score)
    return {
        "exchange": exchange["id"],
        "symbol": symbol,
        "price": ticker["last"] if ticker else None,
        "change_24h": _rounded(ticker["change_24h"], CHANGE_DIGITS) if ticker else None,
        "turnover_24h": ticker["turnover_24h"] if ticker else None,
        "score": _rounded(value["score"], SCORE_DIGITS) if value else None,
        "band": value["band"] if value else None,
        "signal": value["signal"] if value else None,
        "confidence": _rounded(value["confidence"], CHANGE_DIGITS) if value else None,
        "components": {
            name: _rounded(components[name]["score"], SCORE_DIGITS) if name in components else None
            for name in COMPONENTS
        },
        "missing": [gap["name"] for gap in value["missing"]] if value else list(COMPONENTS),
        "price_as_of": price_as_of,
        "price_state": price_state,
        "score_as_of": score_as_of,
        "as_of": as_of,
        "age_s": None if as_of is None else round(max(0.0, now - as_of), 3),
        "state": state,
        "reason": states.told(reasons, exchange),
        "spark": list(spark),
    }


def overall_state(rows: Sequence[Mapping[str, Any]]) -> str:
    """One word for all rows: live when each is, empty when nothing is there, stale when nothing is fresh."""
    words = {row["state"] for row in rows}
    if words <= {states.EMPTY}:
        return states.EMPTY
    if words == {states.LIVE}:
        return states.LIVE
    return states.DELAYED if words & {states.LIVE, states.DELAYED} else states.STALE


def _rounded(number: float | None, digits: int) -> float | None:
    return None if number is None else round(number, digits)
