"""Decides the order of writes inside one process, where there is no Redis or while it is away."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from cache.tiers.base import Cascade, Commit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from cache.entry import Reason
    from cache.hub import Hub
    from cache.tiers.base import Item, Verdict

MOST_LINKS = 200_000
NOTHING_BEFORE = -1


class Dependents:
    """Which key was computed from which, as far as this process wrote it. Bounded: the oldest go first."""

    def __init__(self, limit: int = MOST_LINKS) -> None:
        self._of: dict[str, dict[str, None]] = {}
        self._links = 0
        self._limit = limit
        self._lock = Lock()

    def link(self, text: str, inputs: Iterable[tuple[str, int]]) -> None:
        """Remember that `text` was computed from these."""
        with self._lock:
            for name, _ in inputs:
                names = self._of.setdefault(name, {})
                self._links += text not in names
                names[text] = None
            while self._links > self._limit:
                self._links -= len(self._of.pop(next(iter(self._of))))

    def closure(self, texts: Iterable[str], *, short_of: Collection[str] = ()) -> tuple[str, ...]:
        """The keys and all that is derived from them, nearest first, each once.

        What is of a kind named in `short_of` is not gone into, unless it is one of the keys.
        """
        with self._lock:
            found = dict.fromkeys(texts)
            queue = list(found)
            for text in queue:
                for name in self._of.get(text, ()):
                    if name not in found and name.partition("|")[0] not in short_of:
                        found[name] = None
                        queue.append(name)
            return tuple(found)


class LocalOrder:
    """Commits and invalidates with this process's own versions and memory of fences."""

    def __init__(self, hub: Hub, *, gathering: Collection[str] = ()) -> None:
        self._hub = hub
        self._gathering = gathering
        self.reopen()

    def reopen(self) -> None:
        """Know nothing: a fork begins its own life."""
        self.dependents = Dependents()
        self._lock = Lock()

    def commit(self, items: Sequence[Item]) -> Commit:
        """Number a batch and say which of it is still fresh."""
        with self._lock:
            version = self._hub.next_version()
            return Commit(version, NOTHING_BEFORE, tuple(self._verdict(item) for item in items))

    def invalidate(self, texts: Sequence[str], reason: Reason) -> Cascade:
        """Fence the closure that this process knows of."""
        with self._lock:
            version = self._hub.next_version()
            touched = self.dependents.closure(texts)
            softened: tuple[str, ...] = ()
            if reason == "remove":
                going = frozenset(self.dependents.closure(texts, short_of=self._gathering))
                softened = tuple(text for text in touched if text not in going)
            # Redis numbered nothing here: there is no version before this one.
            cascade = Cascade(version, NOTHING_BEFORE, touched, softened)
            for some, why in cascade.by_reason(reason):
                self._hub.floors.note(some, why, version)
            return cascade

    def _verdict(self, item: Item) -> Verdict:
        floors = self._hub.floors
        text = item.key.text
        own = () if item.token is None else ((text, item.token),)
        read_at = (*own, *item.inputs)
        if all(floors.fence(name) <= version for name, version in read_at):
            return "fresh"
        vital = own if item.key.kind.gathers else read_at
        if any(floors.removal(name) > version for name, version in vital):
            return "skipped"
        record = self._hub.memory.peek(text)
        if item.token is not None and record is not None and record.entry.version > floors.fence(text):
            return "skipped"
        return "stale"
