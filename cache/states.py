"""How current something shown is, and how an exchange is doing: the words and the rules, each written once.

Who publishes and who serves both ask here, or one page would say what another does not.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cache.entry import Entry

State = Literal["live", "delayed", "stale", "empty"]

LIVE: State = "live"
DELAYED: State = "delayed"
STALE: State = "stale"
EMPTY: State = "empty"

OK = "ok"
UNKNOWN = "unknown"
EXCHANGE_STATES = (OK, UNKNOWN, "bad_answer", "unreachable", "rate_limited", "banned")
"""The states of an exchange, from the best to the worst; a word that is not there counts as unknown."""

NO_ANSWER_YET = "no answer yet"
OVERDUE = 0.25  # of the time after which an exchange is silent: who was to ask again may need a moment


def clock_time(at: float) -> str:
    """Unix seconds as a person reads them: 14:03:59 UTC."""
    return f"{datetime.fromtimestamp(int(at), UTC):%H:%M:%S} UTC"


def of_price(tickers: Entry | None, symbol: str, *, now: float, ttl_s: float) -> State:
    """The state of one price alone: a score that is late does not make it so.

    One that the exchange has not confirmed for `ttl_s` is stale, whatever the entry around it says.
    """
    ticker = None if tickers is None else tickers.value["tickers"].get(symbol)
    if tickers is None or ticker is None:
        return EMPTY
    return LIVE if tickers.state == "fresh" and now - ticker["confirmed_at"] <= ttl_s else STALE


def of_symbol(
    price: State, ticker: Mapping[str, Any] | None, score: Entry | None
) -> tuple[State, tuple[str, ...]]:
    """The state of a symbol from those of its price and its score, and whatever keeps it from being live."""
    reasons: list[str] = []
    if ticker is None:
        reasons.append("no price from the exchange")
    elif price != LIVE:
        reasons.append(not_confirmed(ticker))
    if score is None:
        return EMPTY, (*reasons, "not scored yet")
    if score.value["score"] is None:
        gaps = "; ".join(gap["reason"] for gap in score.value["missing"])
        return EMPTY, (*reasons, gaps or "no input is usable")
    late = score.value["stale"]
    if late:
        reasons.append(f"score from inputs that are late: {', '.join(late)}")
    elif score.state != "fresh":
        reasons.append(f"not scored since {clock_time(score.stored_at)}")
    if not reasons:
        return LIVE, ()
    score_is_fresh = score.state == "fresh" and not late
    return DELAYED if price == LIVE or score_is_fresh else STALE, tuple(reasons)


def not_confirmed(ticker: Mapping[str, Any]) -> str:
    """Since when the exchange has not confirmed a price."""
    return f"price not confirmed since {clock_time(ticker['confirmed_at'])}"


def told(reasons: Sequence[str], exchange: Mapping[str, Any] | None) -> str | None:
    """What keeps a symbol from being live as one sentence, with its exchange's trouble; None without any."""
    if reasons and exchange is not None and exchange["reason"]:
        trouble = f"{exchange['id']} {exchange['state'].replace('_', ' ')} ({exchange['reason']})"
        reasons = (*reasons, trouble)
    return "; ".join(reasons) or None


def of_exchange(
    exchange: str, sources: Mapping[str, Entry], *, now: float, silent_after_s: float
) -> dict[str, Any]:
    """One row for an exchange from the statuses of its sources: the state of the worst, with its reason.

    It is unknown once none of them was written for `silent_after_s`, unless the worst is not to be asked
    again before a moment that is still to come, or has hardly passed: whoever should ask is gone, however
    the last answer went.
    """
    if not sources:
        return _unknown(exchange, NO_ANSWER_YET, None)
    source = worst({name: entry.value["state"] for name, entry in sources.items()})
    status = sources[source].value
    is_ok = status["state"] == OK
    reason = None if is_ok else f"{source}: {status['reason'] or status['state']}"
    answers = [entry.value["last_success_at"] for entry in sources.values()]
    answered_at = max((at for at in answers if at is not None), default=None)
    asked_at = max(entry.stored_at for entry in sources.values())
    retry_at = status["retry_at"]
    if retry_at is not None and now - retry_at > OVERDUE * silent_after_s:
        retry_at = None  # nobody did
    if retry_at is None and now - asked_at > silent_after_s:
        since = clock_time(asked_at)
        silence = (
            f"nothing heard since {since}" if is_ok else f"nobody has asked since {since}; last: {reason}"
        )
        return _unknown(exchange, silence, answered_at)
    return {
        "id": exchange,
        "state": status["state"],
        "since": status["since"],
        "last_success_at": answered_at if is_ok else status["last_success_at"],
        "reason": reason,
        "retry_at": retry_at,
    }


def worst(sources: Mapping[str, str]) -> str:
    """The source of an exchange whose state is the worst, the first of equals; there must be one."""
    return max(sources, key=lambda source: _severity(sources[source]))


def _severity(word: str) -> int:
    return EXCHANGE_STATES.index(word if word in EXCHANGE_STATES else UNKNOWN)


def _unknown(exchange: str, reason: str, last_success_at: float | None) -> dict[str, Any]:
    return {
        "id": exchange, "state": UNKNOWN, "since": None, "last_success_at": last_success_at,
        "reason": reason, "retry_at": None,
    }  # fmt: skip
