"""What a process remembers of other writers: versions below which an entry is not to be believed."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from cache.entry import Reason

MOST_REMEMBERED = 50_000


class Floors:
    """Per key: the newest write, the newest invalidation (fence) and the newest removal heard of.

    Bounded: what is forgotten raises `forgotten`, so that forgetting costs a trip to Redis and never
    a wrong answer. `shared` is the version below which Redis itself lost its memory, `near` the one
    below which Memcached alone is not to be believed: writes may have gone past both of us. `kinds`
    are floors of whole kinds, for the time in which nobody can say what was derived from what. `least`
    is the floor of every key, and `newest` the newest change of each: `at` for those in a hurry.
    """

    def __init__(self, limit: int = MOST_REMEMBERED) -> None:
        self.forgotten = 0
        self.shared = 0
        self.near = 0
        self.kinds: dict[str, int] = {}
        self.least = 0
        self._limit = limit
        self._highest = 0
        self.newest: dict[str, int] = {}
        self._puts: dict[str, int] = {}
        self._fences: dict[str, int] = {}
        self._removed: dict[str, int] = {}
        self._lock = Lock()

    def note(self, texts: Collection[str], reason: Reason, version: int) -> None:
        """Remember one change of some keys."""
        with self._lock:
            raise_all = _overwrite if version >= self._highest else _raise
            self._highest = max(self._highest, version)
            raise_all(self.newest, texts, version)
            raise_all(self._puts if reason == "put" else self._fences, texts, version)
            if reason == "remove":
                raise_all(self._removed, texts, version)
            for versions in (self.newest, self._puts, self._fences, self._removed):
                if len(versions) > self._limit:
                    self._shorten(versions)

    def forget_below(self, version: int) -> None:
        """Some changes up to this version are not known here."""
        self.forgotten = max(self.forgotten, version)
        self.least = max(self.least, version)

    def lose_below(self, version: int) -> None:
        """Redis has lost its memory of everything older."""
        self.shared = max(self.shared, version)
        self.least = max(self.least, version)

    def doubt_near_below(self, version: int) -> None:
        """Writes up to this version may have been missed by this process and by Memcached."""
        self.near = max(self.near, version)

    def raise_kinds(self, kinds: Mapping[str, int]) -> None:
        """Something that these kinds may be derived from was invalidated while Redis was away."""
        self.kinds = {**self.kinds, **{kind: max(at, self.kinds.get(kind, 0)) for kind, at in kinds.items()}}

    def at(self, text: str) -> int:
        """The version that an L1 or L2 entry of this key must have at least."""
        least = max(self.least, self.newest.get(text, 0))
        return max(least, self._kind(text)) if self.kinds else least

    def fence(self, text: str) -> int:
        """The newest invalidation of this key: what was read before it is not fresh."""
        fence = max(self.shared, self._fences.get(text, 0))
        return max(fence, self._kind(text)) if self.kinds else fence

    def expired_at(self, text: str) -> int:
        """The newest invalidation of this very key that was heard of, 0 when there was none."""
        return self._fences.get(text, 0)

    def written(self, text: str) -> int:
        """The newest write or removal of this key: an older entry is not the present one."""
        return max(self._puts.get(text, 0), self._removed.get(text, 0))

    def removal(self, text: str) -> int:
        """The newest removal of this key: what was stored before it is gone."""
        return self._removed.get(text, 0)

    def __len__(self) -> int:
        return len(self._puts) + len(self._fences) + len(self._removed)

    def _kind(self, text: str) -> int:
        return self.kinds.get(text.partition("|")[0], 0)

    def _shorten(self, versions: dict[str, int]) -> None:
        """Forget the older half at once, which costs less than forgetting one with every change."""
        middle = sorted(versions.values())[len(versions) // 2]
        self.forget_below(middle)
        for text in [text for text, version in versions.items() if version <= middle]:
            del versions[text]


def _overwrite(versions: dict[str, int], texts: Collection[str], version: int) -> None:
    versions.update(dict.fromkeys(texts, version))


def _raise(versions: dict[str, int], texts: Collection[str], version: int) -> None:
    for text in texts:
        if versions.get(text, 0) < version:
            versions[text] = version
