"""What becomes of a published dashboard once nobody publishes any more: the same numbers, marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cache import states
from webapp.words import utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Row = Mapping[str, Any]


def marked_stale(
    document: Mapping[str, Any], *, since: float, exchanges: Mapping[str, Row]
) -> dict[str, Any]:
    """The same document, saying of itself and of each part that nobody has published it since then.

    `exchanges` has, by id, the rows of those of which is known how they are doing now.
    """
    reason = f"not published since {utc(since)}"
    return {
        **document,
        "state": states.STALE,
        "reason": _joined(reason, document["reason"]),
        "exchanges": [_exchange(row, exchanges.get(row["id"]), reason) for row in document["exchanges"]],
        "overview": _overview(document["overview"], reason),
        "symbols": [
            {**row, "state": states.STALE, "reason": _joined(reason, row["reason"])}
            for row in _late_prices(document["symbols"])
        ],
        "movers": {name: _late_prices(rows) for name, rows in document["movers"].items()},
        "beta": _betas(document.get("beta"), reason),
        "late": _late(document, ("alerts",), reason),
    }


def _late_prices(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """A price that is shown was kept, however lately the exchange has confirmed another."""
    return [{**row, "price_state": states.EMPTY if row["price"] is None else states.STALE} for row in rows]


def _exchange(row: Row, known: Row | None, reason: str) -> Row:
    """How the exchange is doing now; what it was doing then says nothing of that."""
    if known is not None:
        return known
    return {
        **row,
        "state": states.UNKNOWN,
        "since": None,
        "reason": _joined(reason, row["reason"]),
        "retry_at": None,
    }


def _overview(overview: Row, reason: str) -> dict[str, Any]:
    numbers = [name for name in overview if name not in {"missing", "late"}]
    return {**overview, "late": _late(overview, numbers, reason)}


def _late(part: Row, names: Iterable[str], reason: str) -> dict[str, str]:
    """Why each of these is late, those that are there at all."""
    before = part.get("late", {})
    return {
        **before,
        **{name: _joined(reason, before.get(name)) for name in names if part[name] is not None},
    }


def _betas(betas: Mapping[str, Mapping[str, Row]] | None, reason: str) -> dict[str, Any] | None:
    """The windows, those that have figures as stale."""
    if betas is None:
        return None

    def marked(window: Row) -> Row:
        if window["state"] == states.EMPTY:
            return window
        return {**window, "state": states.STALE, "reason": _joined(reason, window["reason"])}

    return {
        exchange: {timeframe: marked(window) for timeframe, window in windows.items()}
        for exchange, windows in betas.items()
    }


def _joined(reason: str, previous: str | None) -> str:
    return f"{reason}; {previous}" if previous else reason
