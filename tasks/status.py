"""How each source of an exchange is doing, as the dashboard shows it: pure functions over plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from market.errors import BadAnswer, Banned, ExchangeUnavailable, MarketError, RateLimited

if TYPE_CHECKING:
    from collections.abc import Mapping

OK = "ok"
UNKNOWN = "unknown"
SOURCES = ("universe", "tickers", "candles", "order_book")
SEVERITY = (OK, UNKNOWN, BadAnswer.word, ExchangeUnavailable.word, RateLimited.word, Banned.word)
REFRESH_S = 3.0  # an unchanged "ok" is written again at most this often


def after_success(previous: Mapping[str, Any] | None, now: float) -> dict[str, Any]:
    """The status once an answer was good; `now` in Unix seconds."""
    was_ok = previous is not None and previous["state"] == OK
    since = previous["since"] if previous is not None and was_ok else now
    return {"state": OK, "since": since, "last_success_at": now, "reason": None, "retry_at": None}


def after_failure(previous: Mapping[str, Any] | None, error: MarketError, now: float) -> dict[str, Any]:
    """The status once asking failed with `error`; keeps when it was last good and since when it is not."""
    same = previous is not None and previous["state"] == error.word
    return {
        "state": error.word,
        "since": previous["since"] if previous is not None and same else now,
        "last_success_at": previous["last_success_at"] if previous is not None else None,
        "reason": error.reason,
        "retry_at": _retry_at(error, now),
    }


def needs_writing(previous: Mapping[str, Any] | None, current: Mapping[str, Any]) -> bool:
    """Whether `current` says more than what is stored already."""
    if previous is None or previous["state"] != current["state"] or current["state"] != OK:
        return True
    return bool(current["last_success_at"] - previous["last_success_at"] >= REFRESH_S)


def of_exchange(exchange: str, sources: Mapping[str, Mapping[str, Any] | None]) -> dict[str, Any]:
    """One row for the dashboard: the worst source's state and reason, the oldest last success."""
    known = {name: status for name, status in sources.items() if status is not None}
    if not known:
        return {
            "id": exchange, "state": UNKNOWN, "since": None, "last_success_at": None,
            "reason": "no answer yet", "retry_at": None,
        }  # fmt: skip
    worst = max(known, key=lambda name: _severity(known[name]["state"]))
    status = known[worst]
    successes = [one["last_success_at"] for one in known.values() if one["last_success_at"] is not None]
    return {
        "id": exchange,
        "state": status["state"],
        "since": status["since"],
        "last_success_at": max(successes, default=None),
        "reason": None if status["state"] == OK else f"{worst}: {status['reason']}",
        "retry_at": status["retry_at"],
    }


def _severity(state: str) -> int:
    return SEVERITY.index(state) if state in SEVERITY else SEVERITY.index(UNKNOWN)


def _retry_at(error: MarketError, now: float) -> float | None:
    if isinstance(error, RateLimited | Banned):
        return error.until
    if isinstance(error, ExchangeUnavailable) and error.retry_after is not None:
        return now + error.retry_after
    return None
