"""What every command works with, handed to it by the wiring."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from cache.operators.judging import Judgement, judged
from cache.operators.looking import NoRedis

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cache.graph import Catalogue
    from cache.keys import Key
    from cache.operators.looking import Looker
    from cache.operators.paper import Paper
    from cache.tiered import TieredCache
    from cache.wiring import Tiers

FOUND, NOT_FOUND, BAD_USAGE, NO_REDIS = 0, 1, 2, 3

TRIES = 3
READY_WITHIN_S = 5.0
_POLL_S = 0.02


class OpensCache(Protocol):
    """Makes a cache of the settings; whoever opens one closes it."""

    def __call__(self, *, listening: bool) -> TieredCache:
        """One more cache."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The collaborators of one command; `ask` puts a yes-or-no question, None where nobody could answer."""

    catalogue: Catalogue
    tiers: Tiers
    looker: Looker
    open_cache: OpensCache
    clock: Callable[[], float]
    paper: Paper
    complain: Callable[[str], None]
    ask: Callable[[str], bool] | None = None

    def state(self, texts: Sequence[str]) -> dict[str, Judgement]:
        """For each text, what a reader would make of what Redis holds."""
        floor, now = self.looker.order().floor, self.clock()
        return {
            text: judged(held, self.catalogue, body=held.body, tier="l3", floor=floor, now=now)
            for text, held in self.looker.held(texts).items()
        }

    def invalidate(self, reason: str, keys: Sequence[Key]) -> tuple[Key, ...]:
        """Expire or remove through the cache; raises NoRedis unless Redis took it and named the closure."""
        cache = self.open_cache(listening=False)
        try:
            for _ in range(TRIES):
                # Invalidating twice is harmless; what a busy Redis only got later names no closure.
                if self._ready(cache):
                    touched = cache.expire(*keys) if reason == "expire" else cache.remove(*keys)
                    if cache.health()["l3"] == "up" and not cache.stats()["outbox"]:
                        return tuple(touched)
        finally:
            cache.close()
        raise NoRedis(f"Redis at {self.looker.address} does not answer in time")

    def totals(self) -> dict[str, Any]:
        """What all processes counted, as `TieredCache.stats_everywhere` tells it."""
        cache = self.open_cache(listening=False)
        try:
            for _ in range(TRIES):
                self._ready(cache)
                told = cache.stats_everywhere()
                if told["complete"]:
                    break
            return told
        finally:
            cache.close()

    @staticmethod
    def _ready(cache: TieredCache) -> bool:
        deadline = time.monotonic() + READY_WITHIN_S
        while cache.health()["l3"] != "up" or cache.stats()["outbox"]:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_S)
        return True
