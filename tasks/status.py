"""How each source of an exchange is doing, as the dashboard shows it: pure functions over plain values."""

from __future__ import annotations

from datetime import UTC, datetime
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


def of_exchange(
    exchange: str, sources: Mapping[str, Mapping[str, Any] | None], *, now: float, silent_after_s: float
) -> dict[str, Any]:
    """One row for the dashboard: the state of the worst source, with its reason and its last success.

    An exchange whose prices nobody has asked for within `silent_after_s` is unknown, however well the
    last answer went: whoever should ask is gone.
    """
    known = {name: status for name, status in sources.items() if status is not None}
    if not known:
        return {
            "id": exchange, "state": states.UNKNOWN, "since": None, "last_success_at": None,
            "reason": "no answer yet", "retry_at": None,
        }  # fmt: skip
    source = states.worst({name: status["state"] for name, status in known.items()})
    status = known[source]
    heard_at = max((one["last_success_at"] or one["since"] for one in known.values()), default=0.0)
    if status["state"] == OK and now - heard_at > silent_after_s:
        return {
            "id": exchange, "state": states.UNKNOWN, "since": heard_at, "last_success_at": heard_at,
            "reason": f"nothing heard since {clock_time(heard_at)}", "retry_at": None,
        }  # fmt: skip
    return {
        "id": exchange,
        "state": status["state"],
        "since": status["since"],
        "last_success_at": heard_at if status["state"] == OK else status["last_success_at"],
        "reason": None if status["state"] == OK else f"{source}: {status['reason']}",
        "retry_at": status["retry_at"],
    }


def clock_time(at: float) -> str:
    """Unix seconds as a person reads them."""
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S} UTC"


def _retry_at(error: MarketError, now: float) -> float | None:
    if isinstance(error, RateLimited | Banned):
        return error.until
    if isinstance(error, ExchangeUnavailable) and error.retry_after is not None:
        return now + error.retry_after
    return None
