"""What is known of each exchange from its statuses, where there is no dashboard that would say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cache.catalogue import EXCHANGE_SOURCES, EXCHANGE_STATUS, TICKERS
from cache.states import of_exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from cache import Entry, TieredCache


class Exchanges:
    """Reads the statuses of exchanges; `ids` are those in use, and `clock` gives Unix seconds."""

    def __init__(self, *, cache: TieredCache, clock: Callable[[], float], ids: Sequence[str] = ()) -> None:
        self._cache = cache
        self._clock = clock
        # Prices are asked for all the time: when none was for that long, nobody is asking any more.
        self._silent_after_s = cache.ttl(TICKERS)
        self.ids = tuple(dict.fromkeys(ids))

    def rows(self) -> list[dict[str, Any]]:
        """One row per exchange in use, in the form that a dashboard has."""
        found = self._found(self.ids)
        return [self._row(exchange, found[exchange]) for exchange in self.ids]

    def row(self, exchange: str) -> dict[str, Any]:
        """The row of one exchange."""
        return self._row(exchange, self._found((exchange,))[exchange])

    def known(self, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The rows of those of which anything is known, by id."""
        return {
            exchange: self._row(exchange, sources)
            for exchange, sources in self._found(ids).items()
            if sources
        }

    def _found(self, ids: Iterable[str]) -> dict[str, dict[str, Entry]]:
        """The statuses that are cached, by exchange and source; one read for all."""
        keys = {
            exchange: {
                source: EXCHANGE_STATUS.key(exchange=exchange, source=source) for source in EXCHANGE_SOURCES
            }
            for exchange in ids
        }
        found = self._cache.get_many([key for sources in keys.values() for key in sources.values()])
        return {
            exchange: {source: found[key] for source, key in sources.items() if key in found}
            for exchange, sources in keys.items()
        }

    def _row(self, exchange: str, sources: Mapping[str, Entry]) -> dict[str, Any]:
        return of_exchange(exchange, sources, now=self._clock(), silent_after_s=self._silent_after_s)


def troubles(rows: Sequence[Mapping[str, Any]]) -> str:
    """The reasons of all exchanges in one line, each after its name; empty without any."""
    return "; ".join(f"{row['id']}: {row['reason']}" for row in rows if row["reason"])
