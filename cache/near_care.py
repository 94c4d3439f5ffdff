"""Looks after Memcached: what it missed, what is old in it, and the word that is left there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from cache.hub import Hub
    from cache.mending import Mender
    from cache.tiers.memcached import MemcachedTier

RECALL_S = 0.4


class NearCare:
    """`raise_generation` makes all that Memcached holds unreachable, and says whether it could."""

    def __init__(
        self,
        *,
        near: MemcachedTier,
        hub: Hub,
        mender: Mender,
        kinds: Collection[str],
        raise_generation: Callable[[], bool],
    ) -> None:
        self._near = near
        self._hub = hub
        self._mender = mender
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
        news = {kind: at for kind, at in kinds.items() if at > self._hub.floors.kinds.get(kind, 0)}
        if news:
            self._hub.doubt_kinds(news)
