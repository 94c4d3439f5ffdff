"""How each source of an exchange is doing, as its status says it: pure functions over plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cache import states
from cache.catalogue import EXCHANGE_SOURCES
from market.errors import Banned, ExchangeUnavailable, MarketError, RateLimited

if TYPE_CHECKING:
    from collections.abc import Mapping

OK = states.OK
SOURCES = EXCHANGE_SOURCES
SAME_MOMENT_S = 1.0
REFRESH_S = 3.0  # a status that says nothing new is written again at most this often


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


def needs_writing(
    previous: Mapping[str, Any] | None, current: Mapping[str, Any], *, written_at: float, now: float
) -> bool:
    """Whether `current` is news, or what was written at `written_at` has to be confirmed again."""
    if previous is None or any(previous[name] != current[name] for name in ("state", "reason")):
        return True
    # Each refusal while the circuit is open names the same moment, give or take.
    if abs((previous["retry_at"] or 0.0) - (current["retry_at"] or 0.0)) > SAME_MOMENT_S:
        return True
    return now - written_at >= REFRESH_S


def closed_until(status: Mapping[str, Any] | None) -> float:
    """Unix seconds before which this source need not be asked: the exchange said so; 0 when it did not."""
    if status is None or status["retry_at"] is None:
        return 0.0
    return float(status["retry_at"])


def _retry_at(error: MarketError, now: float) -> float | None:
    if isinstance(error, RateLimited | Banned):
        return error.until
    if isinstance(error, ExchangeUnavailable) and error.retry_after is not None:
        return now + error.retry_after
    return None
