"""What one process knows of the order of things: versions, fences, proof of coherence, epoch."""

from __future__ import annotations

import math
import secrets
from threading import Event, Lock
from typing import TYPE_CHECKING

from cache.floors import Floors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cache.entry import Reason
    from cache.tiers.base import Snapshot
    from cache.tiers.memory import MemoryTier

UNPROVED_LIFE_S = 1.0
US = 1_000_000


class Hub:
    """Shared by reader, writer and listener of one cache in one process.

    `epoch` is compared by identity: replacing it abandons all of L1 in one step. Up to
    `proved_until` this process has provably heard of every change.
    """

    def __init__(self, *, clock: Callable[[], float], memory: MemoryTier, shared: bool) -> None:
        self.clock = clock
        self.memory = memory
        self._shared = shared
        self.reopen()

    def reopen(self) -> None:
        """Know nothing: a fork begins its own life."""
        self._lock = Lock()
        # Tells the writing processes apart; a fork gets another.
        self.writer = secrets.randbits(32) or 1
        self.floors = Floors()
        self.epoch = object()
        # Up to `heard` every message has been followed; up to `informed` every fence is known.
        self.heard = 0
        self.informed = 0
        self.highest = 0
        self._invalidated = 0
        self.incarnation = 0
        self.generation: int | None = None
        self.fences_until = -math.inf
        # Until then Memcached alone is not believed: it was away, and word of what it missed is on its way.
        self.near_doubted_until = -math.inf
        # With no tier shared with others there is nobody to be out of step with.
        self.proved_until = -math.inf if self._shared else math.inf
        self.first_proof = Event()

    def next_version(self) -> int:
        """A version of our own, for when Redis cannot give one: above all that is known, near the time."""
        with self._lock:
            self.highest = max(self.highest + 1, int(self.clock() * US))
            return self.highest

    @property
    def follows(self) -> bool:
        """Whether `known` takes in all that this process can have read or invalidated itself."""
        return self.clock() < self.proved_until and self._invalidated <= self.known

    @property
    def known(self) -> int:
        """The version up to which every fence is known."""
        return max(self.heard, self.informed)

    def advance(self, previous: int, version: int, *, invalidation: bool = False) -> None:
        """Take note of our own change; it counts as heard when nothing is missing before it."""
        with self._lock:
            self.highest = max(self.highest, version)
            if invalidation:
                self._invalidated = version
            if previous == self.heard:
                self.heard = version

    def follow(self, previous: int, version: int) -> bool:
        """Take note of a message; False when one before it was lost."""
        with self._lock:
            self.highest = max(self.highest, version)
            if version <= self.heard:
                return True
            if previous > self.heard:
                return False
            self.heard = version
            return True

    def apply(self, texts: Iterable[str], reason: Reason, version: int) -> None:
        """Make L1 and the memory of fences follow one change."""
        texts = tuple(texts)
        self.floors.note(texts, reason, version)
        self.memory.demote_all(texts, version, gone=reason == "remove")

    def abandon(self) -> None:
        """Believe nothing that L1 holds until a lower tier confirms it."""
        self.epoch = object()

    def doubt_kinds(self, kinds: Mapping[str, int]) -> None:
        """Believe of these kinds only what is at least of this version, while Redis cannot say more."""
        self.floors.raise_kinds(kinds)
        self.abandon()

    def end_doubt(self) -> None:
        """Redis says again what is derived from what; what was taken for stale is looked at anew."""
        if self.floors.kinds:
            self.floors.kinds = {}
            self.abandon()

    def adopt(self, snapshot: Snapshot, *, following: bool = False) -> None:
        """Catch up with Redis: fences that were missed, its generation, whether it lost its memory.

        `following` is for the listener alone: the messages before the snapshot are not missed any more.
        """
        for texts, reason in ((snapshot.fences, "expire"), (snapshot.removals, "remove")):
            for text, version in texts.items():
                self.apply((text,), "remove" if reason == "remove" else "expire", version)
        self.floors.forget_below(snapshot.complete_since)
        with self._lock:
            # Two threads may ask; the earlier answer can arrive later.
            if snapshot.version >= self.informed:
                if snapshot.incarnation != self.incarnation:
                    self.epoch = object()
                self.incarnation = snapshot.incarnation
                self.generation = snapshot.generation
            self.floors.lose_below(snapshot.floor)
            self.informed = max(snapshot.version, self.informed)
            if following:
                self.heard = max(snapshot.version, self.heard)
            self.highest = max(self.highest, snapshot.version)

    def believes(self, epoch: object, loaded_at: float, now: float) -> bool:
        """Whether an L1 entry of that epoch may be served without asking."""
        return epoch is self.epoch and (now < self.proved_until or 0 <= now - loaded_at < UNPROVED_LIFE_S)
