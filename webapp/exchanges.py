"""What is known of each exchange while there is no dashboard that would say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cache.catalogue import EXCHANGE_SOURCES, EXCHANGE_STATUS, TICKERS
from cache.states import OK, UNKNOWN, worst
from webapp.words import NO_ANSWER_YET, utc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cache import Entry, TieredCache


class Exchanges:
    """Reads the statuses of the exchanges in use; `clock` gives Unix seconds."""

    def __init__(self, *, cache: TieredCache, clock: Callable[[], float], ids: Sequence[str]) -> None:
        self._cache = cache
        self._clock = clock
        # Prices are asked for all the time: when none was for that long, nobody is asking any more.
        self._silent_after_s = cache.ttl(TICKERS)
        self._keys = {
            (exchange, source): EXCHANGE_STATUS.key(exchange=exchange, source=source)
            for exchange in ids
            for source in EXCHANGE_SOURCES
        }
        self.ids = tuple(dict.fromkeys(ids))

    def rows(self) -> list[dict[str, Any]]:
        """One row per exchange, in the form that a dashboard has: its worst source, with the reason."""
        found = self._cache.get_many(self._keys.values())
        now = self._clock()
        return [
            self._row(
                exchange,
                {
                    source: found[key]
                    for (of, source), key in self._keys.items()
                    if of == exchange and key in found
                },
                now,
            )
            for exchange in self.ids
        ]

    def _row(self, exchange: str, entries: Mapping[str, Entry], now: float) -> dict[str, Any]:
        if not entries:
            return _unknown(exchange, NO_ANSWER_YET, None)
        source = worst({name: entry.value["state"] for name, entry in entries.items()})
        status = entries[source].value
        heard_at = max(entry.stored_at for entry in entries.values())
        if status["state"] == OK and now - heard_at > self._silent_after_s:
            return _unknown(exchange, f"nothing heard since {utc(heard_at)}", status["last_success_at"])
        reason = None if status["state"] == OK else f"{source}: {status['reason'] or status['state']}"
        return {
            "id": exchange, "state": status["state"], "since": status["since"],
            "last_success_at": status["last_success_at"], "reason": reason, "retry_at": status["retry_at"],
        }  # fmt: skip


def troubles(rows: Sequence[Mapping[str, Any]]) -> str:
    """The reasons of all exchanges in one line, each after its name; empty without any."""
    return "; ".join(f"{row['id']}: {row['reason']}" for row in rows if row["reason"])


def _unknown(exchange: str, reason: str, last_success_at: float | None) -> dict[str, Any]:
    return {
        "id": exchange, "state": UNKNOWN, "since": None, "last_success_at": last_success_at,
        "reason": reason, "retry_at": None,
    }  # fmt: skip
