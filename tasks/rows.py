"""One line of the dashboard: a symbol's price and score with how true they are right now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cache import states

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
) -> dict[str, Any]:
    """The row for one symbol; `exchange` is its line of the exchanges' states. Missing numbers are None."""
    ticker = tickers.value["tickers"].get(symbol) if tickers else None
    value = score.value if score else None
    components = value["components"] if value else {}
    price_as_of = ticker["as_of"] if ticker else None
    score_as_of = score.as_of if score else None
    as_of = min((at for at in (price_as_of, score_as_of) if at is not None), default=None)
    state, reasons = _state(ticker, tickers, score)
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


def clock_time(at: float) -> str:
    """Unix seconds as a person reads them."""
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S} UTC"


def _state(ticker: Any, tickers: Entry | None, score: Entry | None) -> tuple[str, list[str]]:
    reasons: list[str] = []
    price_is_fresh = bool(ticker and tickers and tickers.state == "fresh")
    if ticker is None:
        reasons.append("no price from the exchange")
    elif not price_is_fresh:
        reasons.append(f"price not confirmed since {clock_time(ticker['as_of'])}")
    if score is None:
        return states.EMPTY, [*reasons, "not scored yet"]
    if score.value["score"] is None:
        return states.EMPTY, [*reasons, "; ".join(gap["reason"] for gap in score.value["missing"])]
    if score.state != "fresh":
        late = ", ".join(score.value["stale"])
        reasons.append(
            f"score from inputs that are late: {late}"
            if late
            else f"not scored since {clock_time(score.stored_at)}"
        )
    if not reasons:
        return states.LIVE, reasons
    if price_is_fresh or score.state == "fresh":
        return states.DELAYED, reasons
    return states.STALE, reasons


def _rounded(number: float | None, digits: int) -> float | None:
    return None if number is None else round(number, digits)
