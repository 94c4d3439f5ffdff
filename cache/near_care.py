"""Looks after Memcached: what it missed, what is old in it, and the word that is left there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cache import envelope
from cache.tiers.base import Sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from cache.hub import Hub
    from cache.mending import Mender
    from cache.outbox import Outbox
    from cache.tiers.base import Item
    from cache.tiers.memcached import MemcachedTier

RECALL_S = 0.4
AT_ONCE = 200


class NearCare:
    """`raise_generation` makes all that Memcached holds unreachable, and says whether it could."""

    def __init__(
        self,
        *,
        near: MemcachedTier,
        hub: Hub,
        mender: Mender,
        outbox: Outbox,
        kinds: Collection[str],
        raise_generation: Callable[[], bool],
    ) -> None:
        self._near = near
        self._hub = hub
        self._mender = mender
        self._outbox = outbox
        self._kinds = tuple(kinds)
        self._raise_generation = raise_generation
        self._posted: int | None = None
        self._recall_at = 0.0

    def tick(self, *, redis_believed: bool | None) -> None:
        """Do what is due; None where there is no Redis."""
        if redis_believed:
            self._agree_with_redis()
        elif redis_believed is False:
            self._read_the_word()
        if len(self._mender) and self._hub.generation is not None:
            self._mender.mend(self._near, self._hub.generation)

    def _agree_with_redis(self) -> None:
        missed = self._near.missed_writes and all(breaker.closed for breaker in self._near.breakers())
        if (missed or self._mender.overflowed) and self._raise_generation():
            self._mender.overflowed = False
        if self._hub.generation not in (None, self._posted):
            self._posted = self._hub.generation
            self._near.post(self._posted)

    def _read_the_word(self) -> None:
        """What others who cannot ask Redis either have invalidated, and which generation they use."""
        now = time.monotonic()
        if now < self._recall_at:
            return
        self._recall_at = now + RECALL_S
        generation, kinds = self._near.recall(self._kinds)
        if generation is not None and generation > (self._hub.generation or 0):
            self._hub.generation = generation
            self._bring_along(generation)
        news = {kind: at for kind, at in kinds.items() if at > self._hub.floors.kinds.get(kind, 0)}
        if news:
            self._hub.doubt_kinds(news)

    def _bring_along(self, generation: int) -> None:
        """What this process wrote alone lies under the old number, where the others do not look any more.

        It hides anything older there, but is not fresh: what others wrote or removed since then may have
        gone under the old number, or have left nothing under the new one.
        """
        waiting = self._outbox.puts()
        for start in range(0, len(waiting), AT_ONCE):
            some = waiting[start : start + AT_ONCE]
            there = self._near.fetch([item.key.text for item in some], generation)
            newer = [
                item for item in some if envelope.version_of(there.get(item.key.text, b"")) < _version(item)
            ]
            if newer:
                self._near.store([_sealed(item) for item in newer], generation, fill=False)


def _version(item: Item) -> int:
    return item.pinned or 0


def _sealed(item: Item) -> Sealed:
    body = envelope.sealed(
        item.rest, _version(item), compressed=item.compressed, expired=True, unsettled=True
    )
    return Sealed(item.key.text, body, item.usable_until)
