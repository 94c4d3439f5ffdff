"""Mends what Memcached holds after a change that went past it: what has become old there is marked so.

Memcached has no versions of its own. Most readers know better than an outdated entry, because they have
heard of the change; one that has just lost touch with Redis must find the truth in Memcached itself.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from typing import Protocol

    class Markable(Protocol):
        """What can be mended."""

        def mark_below(self, versions: Mapping[str, int], generation: int) -> None:
            """Mark as expired what is older than its version; never raises."""


AT_ONCE = 500
MOST_OWED = 20_000
MOST_WATCHED = 20_000
# Versions never run behind the microseconds of a clock. Whoever is later than this came after us.
AT_THE_SAME_TIME_US = 2_000_000


class Mender:
    """Collects what is to be mended on any thread; the keeper mends it. Bounded."""

    def __init__(self) -> None:
        self.reopen()

    def reopen(self) -> None:
        """A fork owes nothing: its parent mends what the parent did."""
        self.overflowed = False
        self._highest = 0
        self._owed: dict[str, int] = {}
        self._mine: dict[str, int] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._owed)

    def owe(self, texts: Iterable[str], version: int) -> None:
        """Whatever of these is older than the version is to be marked."""
        with self._lock:
            if version >= self._highest:
                self._highest = version
                self._owed.update(dict.fromkeys(texts, version))
            else:
                for text in texts:
                    self._owed[text] = max(version, self._owed.get(text, 0))
            if len(self._owed) > MOST_OWED:
                self._owed.clear()
                self.overflowed = True

    def watch(self, texts: Collection[str], version: int) -> None:
        """This process stored these just now: a newer write of another may have been overwritten by it."""
        if len(self._mine) + len(texts) > MOST_WATCHED:
            self._mine = {}
        self._mine.update(dict.fromkeys(texts, version))

    def heard(self, texts: Iterable[str], version: int) -> None:
        """Another wrote these: what this process stored of them before is to be marked."""
        mine = self._mine
        late = [text for text in texts if 0 < version - mine.get(text, version) < AT_THE_SAME_TIME_US]
        if late:
            self.owe(late, version)
            for text in late:
                mine.pop(text, None)

    def mend(self, near: Markable, generation: int) -> None:
        """Mark a batch of what is owed."""
        with self._lock:
            batch = dict(list(self._owed.items())[:AT_ONCE])
            for text in batch:
                del self._owed[text]
        if batch:
            near.mark_below(batch, generation)
