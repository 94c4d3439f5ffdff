"""What a process remembers of other writers: versions below which an entry is not to be believed."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cache.entry import Reason

MOST_REMEMBERED = 50_000


class Floors:
    """Per key: the newest invalidation (fence), removal and write heard of.

    Bounded: what is forgotten raises `everything`, so that forgetting costs a trip to Redis and
    never a wrong answer. `shared` is the version below which Redis itself lost its memory.
    """

    def __init__(self, limit: int = MOST_REMEMBERED) -> None:
        self.everything = 0
        self.shared = 0
        self._limit = limit
        self._fences: dict[str, int] = {}
        self._puts: dict[str, int] = {}
        self._removed: dict[str, int] = {}
        self._lock = Lock()

    def note(self, texts: Iterable[str], reason: Reason, version: int) -> None:
        """Remember one change of some keys."""
        with self._lock:
            for text in texts:
                self._raise(self._puts if reason == "put" else self._fences, text, version)
                if reason == "remove":
                    self._raise(self._removed, text, version)

    def forget_below(self, version: int) -> None:
        """Believe nothing older than this in the tiers that Redis does not order itself."""
        self.everything = max(self.everything, version)

    def at(self, text: str) -> int:
        """The version that an L1 or L2 entry of this key must have at least."""
        return max(self._fences.get(text, 0), self._puts.get(text, 0), self.everything, self.shared)

    def fence(self, text: str) -> int:
        """The newest invalidation of this key: what was read before it is not fresh."""
        return max(self._fences.get(text, 0), self.shared)

    def removal(self, text: str) -> int:
        """The newest removal of this key: what was stored before it is gone."""
        return self._removed.get(text, 0)

    def __len__(self) -> int:
        return len(self._fences) + len(self._puts) + len(self._removed)

    def _raise(self, versions: dict[str, int], text: str, version: int) -> None:
        # Taken out and put back, the dict stays in order of age and the oldest is its first.
        versions[text] = max(versions.pop(text, 0), version)
        if len(versions) > self._limit:
            oldest = next(iter(versions))
            self.forget_below(versions.pop(oldest))
