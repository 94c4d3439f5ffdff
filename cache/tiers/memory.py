"""L1: decoded entries in this process, bounded by number and by bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cachebox
import msgspec

from cache import codec

if TYPE_CHECKING:
    from cache.entry import Entry
    from cache.stats import Counter

WEIGHED_ONE_IN = 128


class Record:
    """One entry in L1. `good_until` is its usable end, or 0 once a newer version is known of.

    Mutable on purpose: demoting one is a single attribute write, which readers see whole.
    """

    __slots__ = ("counter", "entry", "epoch", "good_until", "loaded_at", "weight")

    def __init__(
        self, entry: Entry, *, epoch: object, loaded_at: float, weight: int, counter: Counter
    ) -> None:
        self.entry = entry
        self.epoch = epoch
        self.good_until = entry.usable_until
        self.loaded_at = loaded_at
        self.weight = weight
        self.counter = counter


class MemoryTier:
    """A bounded LRU of records. With `most_entries` 0 it keeps nothing."""

    name = "l1"

    def __init__(self, *, most_entries: int, most_bytes: int) -> None:
        self.installed = most_entries > 0
        self.evictions = 0
        self._most_bytes = most_bytes
        # One bound does both: no entry weighs less than its share of the bytes.
        self._least_weight = max(1, -(-most_bytes // max(1, most_entries)))
        self._ratios: dict[str, list[float]] = {}
        self.clear()

    def clear(self) -> None:
        """Start empty, with a new lock inside: after a fork the old one may be held by nobody."""
        self._records = cachebox.LRUCache(self._most_bytes, getsizeof=_weight)
        self.peek = self._records.get if self.installed else _nothing

    def store(self, entry: Entry, *, size: int, epoch: object, now: float, counter: Counter) -> Record | None:
        """Keep an entry whose plain bytes number `size`; None when it is too large to keep."""
        if not self.installed:
            return None
        weight = max(self._least_weight, self._estimate(entry, size))
        near = entry if entry.tier == self.name else msgspec.structs.replace(entry, tier=self.name)
        record = Record(near, epoch=epoch, loaded_at=now, weight=weight, counter=counter)
        if weight > self._most_bytes:
            self._records.pop(entry.key.text, None)
            return None
        before = len(self._records)
        replaced = self._records.insert(entry.key.text, record) is not None
        self.evictions += max(0, before + (not replaced) - len(self._records))
        return record

    def demote(self, text: str, version: int, *, gone: bool) -> None:
        """Stop believing an entry older than `version`; it stays as a last resort unless it is gone."""
        record = self._records.get(text)
        if record is None or record.entry.version >= version:
            return
        record.good_until = 0.0
        if gone:
            self._records.pop(text, None)

    def drop(self, text: str) -> None:
        """Forget one entry."""
        self._records.pop(text, None)

    def __len__(self) -> int:
        return len(self._records)

    @property
    def weight(self) -> int:
        """Bytes held, by estimate."""
        return int(self._records.current_size())

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
