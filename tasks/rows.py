"""One line of the dashboard: a symbol's price and score with how true they are right now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cache import states
from tasks.status import clock_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cache import Entry

COMPONENTS = ("technical", "volume", "orderflow", "orderbook", "price_structure", "sentiment")
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

    A price that the exchange has not confirmed for `price_ttl_s` is late, whatever the entry around it says.
    """
    ticker = tickers.value["tickers"].get(symbol) if tickers else None
    value = score.value if score else None
    components = value["components"] if value else {}
    price_as_of = ticker["as_of"] if ticker else None
    score_as_of = score.as_of if score else None
    as_of = min((at for at in (price_as_of, score_as_of) if at is not None), default=None)
    price_is_fresh = bool(
        ticker and tickers and tickers.state == "fresh" and now - ticker["confirmed_at"] <= price_ttl_s
    )
    state, reasons = _state(ticker, score, price_is_fresh=price_is_fresh)
    if reasons and exchange["reason"]:
        reasons.append(f"{exchange['id']} {exchange['state'].replace('_', ' ')} ({exchange['reason']})")
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
        "price_state": _price_state(ticker, is_fresh=price_is_fresh),
        "score_as_of": score_as_of,
        "as_of": as_of,
        "age_s": None if as_of is None else round(max(0.0, now - as_of), 3),
        "state": state,
        "reason": "; ".join(reasons) or None,
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


def _price_state(ticker: Any, *, is_fresh: bool) -> str:
    """Of the price alone: a score that is late does not make it so."""
    if ticker is None:
        return states.EMPTY
    return states.LIVE if is_fresh else states.STALE


def _state(ticker: Any, score: Entry | None, *, price_is_fresh: bool) -> tuple[str, list[str]]:
    reasons: list[str] = []
    if ticker is None:
        reasons.append("no price from the exchange")
    elif not price_is_fresh:
        reasons.append(f"price not confirmed since {clock_time(ticker['confirmed_at'])}")
    if score is None:
        return states.EMPTY, [*reasons, "not scored yet"]
    if score.value["score"] is None:
        return states.EMPTY, [*reasons, "; ".join(gap["reason"] for gap in score.value["missing"])]
    late = score.value["stale"]
    if late:
        reasons.append(f"score from inputs that are late: {', '.join(late)}")
    elif score.state != "fresh":
        reasons.append(f"not scored since {clock_time(score.stored_at)}")
    if not reasons:
        return states.LIVE, reasons
    score_is_fresh = score.state == "fresh" and not late
    return states.DELAYED if price_is_fresh or score_is_fresh else states.STALE, reasons


def _rounded(number: float | None, digits: int) -> float | None:
    return None if number is None else round(number, digits)
