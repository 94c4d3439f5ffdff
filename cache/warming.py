"""A process that starts first loads what those of its role used most in the last hour."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog

from cache import hit_list
from cache.keys import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from cache.entry import Entry
    from cache.hit_list import HitList
    from cache.keys import Key, Kind
    from cache.tiers.memory import MemoryTier

MOST_WARMED = 1000
WARM_WITHIN_S = 1.5
BATCH = 100

log = structlog.get_logger(__name__)


class Warmer:
    """Fills L1 from the hit list of its role, in batches, bounded in number and in time."""

    def __init__(
        self,
        *,
        role: str | None,
        hits: HitList | None,
        memory: MemoryTier,
        kinds: Mapping[str, Kind],
        clock: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._role = role
        self._hits = hits
        self._memory = memory
        self._kinds = kinds
        self._clock = clock
        self._monotonic = monotonic

    def wanted(self, most: int = MOST_WARMED) -> list[Key]:
        """The keys to load, the most used first; none while Redis is away."""
        if self._hits is None or self._role is None or not self._memory.installed:
            return []
        found = self._hits.top((self._role,), hit_list.last_hour(self._clock()), most)
        keys = (parse(text, self._kinds) for text, _ in found or ())
        return [key for key in keys if key is not None]

    def load(
        self,
        keys: Sequence[Key],
        read: Callable[[Iterable[Key]], Mapping[Key, Entry]],
        within_s: float = WARM_WITHIN_S,
    ) -> int:
        """Read the keys batch by batch until `within_s` has passed; how many there were."""
        began = self._monotonic()
        loaded = 0
        for start in range(0, len(keys), BATCH):
            if self._monotonic() - began >= within_s:
                break
            loaded += len(self.read(keys[start : start + BATCH], read))
        log.info(
            "cache_warmed",
            role=self._role,
            wanted=len(keys),
            loaded=loaded,
            took_s=round(self._monotonic() - began, 3),
        )
        return loaded

    def read(
        self, keys: Iterable[Key], read: Callable[[Iterable[Key]], Mapping[Key, Entry]]
    ) -> Mapping[Key, Entry]:
        """Read some keys without using them: else what nobody reads would stay listed from start to start."""
        found = read(keys)
        self._memory.disregard(key.text for key in found)
        return found
