"""Counters per kind and tier, and the plain answer that `stats()` gives."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cache.entry import Reason


@dataclass(slots=True)
class Counter:
    """What happened to one kind in this process since it started."""

    l1_hits: int = 0
    l2_hits: int = 0
    l3_hits: int = 0
    misses: int = 0
    stale_served: int = 0
    promotions: int = 0
    puts: int = 0
    born_stale: int = 0
    skipped_too_large: int = 0
    failed_writes: int = 0
    expired: int = 0
    removed: int = 0
    computations: int = 0
    compute_s: float = 0.0
    bytes_written: int = 0


class Stats:
    """One counter per kind. Additions are single attribute writes; no lock on any read path."""

    def __init__(self, kinds: Iterable[str]) -> None:
        self._counters = {name: Counter() for name in kinds}

    def of(self, kind: str) -> Counter:
        """The counter of one kind."""
        counter = self._counters.get(kind)
        if counter is None:
            counter = self._counters.setdefault(kind, Counter())
        return counter

    def invalidated(self, texts: Iterable[str], reason: Reason) -> None:
        """Count the keys that one invalidation touched."""
        for text in texts:
            counter = self.of(text.partition("|")[0])
            if reason == "remove":
                counter.removed += 1
            else:
                counter.expired += 1

    def plain(self) -> dict[str, dict[str, float]]:
        """All counters, as a new plain dict."""
        return {
            name: {field.name: getattr(counter, field.name) for field in fields(Counter)}
            for name, counter in list(self._counters.items())
        }
