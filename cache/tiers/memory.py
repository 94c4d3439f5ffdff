"""L1: decoded entries in this process, bounded by number and by bytes."""

from __future__ import annotations

from heapq import nlargest
from threading import Lock
from typing import TYPE_CHECKING

import cachebox
import msgspec

from cache import codec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cache.entry import Entry
    from cache.stats import Counter

WEIGHED_ONE_IN = 128


class Record:
    """One entry in L1. `good_until` is its usable end, or 0 once a newer version is known of.

    `fresh_until` is its fresh end, or 0 likewise. Mutable on purpose: each change is a single
    attribute write, which readers see whole. `hits` only rises: `counted` of them are in the kind's
    counter, `told` of them in the hit list, and `loads` are reads that the tiers below answered.
    """

    __slots__ = (
        "counted", "counter", "entry", "epoch", "fresh_until", "good_until", "hits", "loaded_at", "loads",
        "told", "weight",
    )  # fmt: skip

    def __init__(
        self, entry: Entry, *, epoch: object, loaded_at: float, weight: int, counter: Counter
    ) -> None:
        self.entry = entry
        self.epoch = epoch
        self.fresh_until = entry.fresh_until
        self.good_until = entry.usable_until
        self.loaded_at = loaded_at
        self.weight = weight
        self.counter = counter
        self.hits = self.counted = self.told = self.loads = 0

    def inherit(self, other: Record) -> None:
        """Go on counting where the record of an older entry of the same key stopped."""
        self.hits, self.counted, self.told, self.loads = other.hits, other.counted, other.told, other.loads

    def count(self) -> None:
        """Take the hits over into the kind's counter; for one thread at a time."""
        hits = self.hits
        self.counter.l1_hits += hits - self.counted
        self.counted = hits

    def tell(self) -> int:
        """How often it was used since this was last asked."""
        hits = self.hits
        uses = hits - self.told + self.loads
        self.told, self.loads = hits, 0
        return uses


class MemoryTier:
    """A bounded LRU of records that count their uses. With `most_entries` 0 it keeps nothing."""

    name = "l1"

    def __init__(self, *, most_entries: int, most_bytes: int) -> None:
        self.installed = most_entries > 0
        self._most_bytes = most_bytes
        # One bound does both: no entry weighs less than its share of the bytes.
        self._least_weight = max(1, -(-most_bytes // max(1, most_entries)))
        self._ratios: dict[str, list[float]] = {}
        self.clear()

    def clear(self) -> None:
        """Start empty, with a new lock inside: after a fork the old one may be held by nobody."""
        # Without a bound of its own: what it evicted by itself, nobody could count.
        self._records = cachebox.LRUCache(0, getsizeof=_weight)
        self._counting = Lock()
        self.evictions = 0
        self.peek = self._records.get if self.installed else _nothing

    def store(self, entry: Entry, *, size: int, epoch: object, now: float, counter: Counter) -> Record | None:
        """Keep an entry whose plain bytes number `size`; None when it is too large to keep."""
        if not self.installed:
            return None
        weight = max(self._least_weight, self._estimate(entry, size))
        near = entry if entry.tier == self.name else msgspec.structs.replace(entry, tier=self.name)
        if weight > self._most_bytes:
            self.drop(entry.key.text)
            return None
        record = Record(near, epoch=epoch, loaded_at=now, weight=weight, counter=counter)
        older = self._records.peek(entry.key.text)
        if older is not None:
            record.inherit(older)
        # What comes from a tier below was read, what does not was written.
        record.loads += near is not entry
        self._records.insert(entry.key.text, record)
        while self._records.current_size() > self._most_bytes:
            self._evict()
        return record

    def demote(self, text: str, version: int, *, gone: bool) -> None:
        """Stop believing an entry older than `version`; it stays as a last resort unless it is gone."""
        self.demote_all((text,), version, gone=gone)

    def demote_all(self, texts: Iterable[str], version: int, *, gone: bool) -> None:
        """The same for many."""
        look = self._records.peek
        for text in texts:
            record = look(text)
            if record is None or record.entry.version >= version:
                continue
            record.fresh_until = 0.0
            record.good_until = 0.0
            if gone:
                self.drop(text)

    def drop(self, text: str) -> None:
        """Forget one entry."""
        self._let_go(self._records.pop(text, None))

    def count_hits(self) -> None:
        """Bring the counters of all kinds up to date."""
        with self._counting:
            for record in list(self._records.values()):
                record.count()

    def most_used(self, most: int) -> list[tuple[str, int]]:
        """The texts used most since this was last asked, with the number of uses; at most `most`."""
        with self._counting:
            records = list(self._records.values())
            used = [(uses, record) for record in records if (uses := record.tell())]
        return [
            (record.entry.key.text, uses) for uses, record in nlargest(most, used, key=lambda pair: pair[0])
        ]

    def disregard(self, texts: Iterable[str]) -> None:
        """Do not tell of the uses so far of these."""
        with self._counting:
            for text in texts:
                record = self._records.peek(text)
                if record is not None:
                    record.tell()

    def __len__(self) -> int:
        return len(self._records)

    @property
    def weight(self) -> int:
        """Bytes held, by estimate."""
        return int(self._records.current_size())

    def _evict(self) -> None:
        try:
            _, record = self._records.popitem()
        except KeyError:
            return  # another thread was faster
        self.evictions += 1
        record.counter.evictions += 1
        self._let_go(record)

    def _let_go(self, record: Record | None) -> None:
        if record is not None:
            with self._counting:
                record.count()

    def _estimate(self, entry: Entry, size: int) -> int:
        # Walking every value would cost more than storing it; the ratio to its plain size is steady.
        ratio = self._ratios.setdefault(entry.key.kind.name, [0.0, 0.0])
        if ratio[1] % WEIGHED_ONE_IN == 0:
            ratio[0] = max(1.0, codec.weigh(entry.value) / max(1, size))
        ratio[1] += 1
        return int(ratio[0] * size)


def _weight(_text: str, record: Record) -> int:
    return record.weight


def _nothing(_text: str) -> None:
    return None
