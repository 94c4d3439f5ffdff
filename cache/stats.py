"""Counters per kind, kept in process, and the plain answer that `stats()` gives."""

from __future__ import annotations

from collections import Counter as Tally
from collections import defaultdict
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from cache.entry import Reason

UNKNOWN_WRITER = 0
# Nobody says which writers still matter while Redis is away; more than these are not told apart.
MOST_WRITERS = 256


@dataclass(slots=True)
class Counter:
    """What happened to one kind in this process since it started; docs/signals.md explains each.

    Hits in L1 are counted by the record that was hit and taken over from there now and then, so
    `l1_hits` is behind until somebody asks. `read_from` counts by the number of the writing process.
    """

    l1_hits: int = 0
    l2_hits: int = 0
    l3_hits: int = 0
    misses: int = 0
    unconfirmed: int = 0
    stale_served: int = 0
    promotions: int = 0
    evictions: int = 0
    puts: int = 0
    born_stale: int = 0
    skipped_too_large: int = 0
    failed_writes: int = 0
    expired: int = 0
    removed: int = 0
    computations: int = 0
    compute_s: float = 0.0
    bytes_written: int = 0
    l2_bytes_read: int = 0
    l3_bytes_read: int = 0
    l2_bytes_written: int = 0
    l3_bytes_written: int = 0
    read_from: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))

    def keep_writers(self, known: Collection[int]) -> None:
        """Tell apart only these writers; what was read from others stays, under the unknown one."""
        for writer in [one for one in self.read_from if one != UNKNOWN_WRITER and one not in known]:
            self.read_from[UNKNOWN_WRITER] += self.read_from.pop(writer)


NUMBERS = tuple(one.name for one in fields(Counter) if one.name != "read_from")


class Stats:
    """One counter per kind. Additions are single attribute writes; no lock on any read path."""

    def __init__(self, kinds: Iterable[str]) -> None:
        self._kinds = tuple(kinds)
        self.reopen()

    def reopen(self) -> None:
        """A fork has done nothing yet: what its parent counted, the parent reports."""
        self._counters = {name: Counter() for name in self._kinds}

    def of(self, kind: str) -> Counter:
        """The counter of one kind."""
        counter = self._counters.get(kind)
        if counter is None:
            counter = self._counters.setdefault(kind, Counter())
        return counter

    def invalidated(self, texts: Iterable[str], reason: Reason) -> None:
        """Count the keys that one invalidation touched."""
        for kind, count in Tally([text.partition("|")[0] for text in texts]).items():
            counter = self.of(kind)
            if reason == "remove":
                counter.removed += count
            else:
                counter.expired += count

    def plain(self) -> dict[str, dict[str, float]]:
        """All numbers, as a new plain dict."""
        return {
            kind: {name: getattr(counter, name) for name in NUMBERS}
            for kind, counter in list(self._counters.items())
        }

    def read_from(self) -> dict[str, dict[int, int]]:
        """For each kind, how many entries written by which process were read in L2 or L3."""
        return {
            name: dict(counter.read_from)
            for name, counter in list(self._counters.items())
            if counter.read_from
        }

    def keep_writers(self, known: Collection[int] | None) -> None:
        """Forget which process was which, for all that are not known any more; None when nobody said."""
        for counter in list(self._counters.values()):
            if known is not None:
                counter.keep_writers(known)
            elif len(counter.read_from) > MOST_WRITERS:
                counter.keep_writers(())
