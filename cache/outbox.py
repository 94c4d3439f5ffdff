"""What was written and invalidated while Redis was away, newest per key, to be settled on its return."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from cache.entry import Reason
    from cache.tiers.base import Item

MOST_ITEMS = 20_000
MOST_BYTES = 64 * 1024 * 1024


class Outbox:
    """Bounded: a write that does not fit becomes an expiry of its key, which takes next to nothing.

    `owed` has the version of the newest write of each key that Redis has not decided on yet, those on
    their way to it included: of such a key Redis may know only something older. It is read without a lock.
    """

    def __init__(self, *, most_items: int = MOST_ITEMS, most_bytes: int = MOST_BYTES) -> None:
        self.overflowed = False
        self._most_items = most_items
        self._most_bytes = most_bytes
        self._puts: dict[str, Item] = {}
        self._invalidations: dict[str, tuple[int, Reason]] = {}
        self._size = 0
        self._sending = 0
        self.owed: dict[str, int] = {}
        self._lock = Lock()

    def reopen(self) -> None:
        """A fork inherits nothing: its parent settles what the parent wrote."""
        self._lock = Lock()
        self.overflowed = False
        self._puts.clear()
        self._invalidations.clear()
        self._size = 0
        self._sending = 0
        self.owed = {}

    def __len__(self) -> int:
        return len(self._puts) + len(self._invalidations) + self._sending

    def put(self, items: Sequence[Item], version: int, *, stale: Collection[str] = ()) -> None:
        """Remember writes under the version that this process gave them.

        One that was born stale, as named in `stale`, does not take the place of one that is kept already.
        """
        with self._lock:
            for item in items:
                if item.key.text in stale and item.key.text in self._puts:
                    continue
                self._forget(item.key.text)
                self._puts[item.key.text] = msgspec.structs.replace(item, pinned=version, value=None)
                self._size += len(item.rest)
                self.owed[item.key.text] = version
            self._keep_bounds()

    def puts(self) -> list[Item]:
        """The writes that wait."""
        with self._lock:
            return list(self._puts.values())

    def invalidate(self, texts: Sequence[str], reason: Reason, version: int) -> None:
        """Remember an invalidation."""
        with self._lock:
            for text in texts:
                self._note(text, version, reason)

    def take(self) -> tuple[list[tuple[str, int, Reason]], list[Item]]:
        """Everything, the invalidations oldest first; they are on their way until settled or given back."""
        with self._lock:
            invalidations = sorted(
                ((text, version, reason) for text, (version, reason) in self._invalidations.items()),
                key=lambda one: one[1],
            )
            puts = list(self._puts.values())
            self._sending = len(invalidations) + len(puts)
            self._puts, self._invalidations, self._size = {}, {}, 0
            return invalidations, puts

    def settled(self) -> None:
        """Redis has decided on all that was taken."""
        with self._lock:
            self._sending = 0
            # A new one: whoever asked Redis before it had decided goes on looking at the old one.
            self.owed = {
                text: version
                for text, version in self.owed.items()
                if text in self._puts or text in self._invalidations
            }

    def give_back(self, invalidations: Sequence[tuple[str, int, Reason]], puts: Sequence[Item]) -> None:
        """What could not be settled after all; anything newer that came meanwhile stands."""
        with self._lock:
            self._sending = 0
            for text, version, reason in invalidations:
                there, _ = self._invalidations.get(text, (0, reason))
                self._note(text, max(version, there), reason)
            older = {item.key.text: item for item in puts if item.key.text not in self._puts}
            self._size += sum(len(item.rest) for item in older.values())
            self._puts = older | self._puts
            self._keep_bounds()

    def _keep_bounds(self) -> None:
        while self._puts and (len(self._puts) > self._most_items or self._size > self._most_bytes):
            oldest = next(iter(self._puts))
            pinned = self._puts[oldest].pinned or 0
            self._forget(oldest)
            self._note(oldest, pinned, "expire")

    def _note(self, text: str, version: int, reason: Reason) -> None:
        _, before = self._invalidations.pop(text, (0, reason))
        self._invalidations[text] = (version, "remove" if "remove" in (before, reason) else reason)
        if len(self._invalidations) > self._most_items:
            oldest = next(iter(self._invalidations))
            del self._invalidations[oldest]
            if oldest not in self._puts:
                self.owed.pop(oldest, None)
            self.overflowed = True

    def _forget(self, text: str) -> None:
        item = self._puts.pop(text, None)
        if item is not None:
            self._size -= len(item.rest)
