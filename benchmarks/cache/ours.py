"""The caches under test, by public interface alone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from benchmarks.cache.rounds import Disturbed
from benchmarks.cache.values import CATALOGUE
from cache import Put, TieredCache, make_tiers
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cache import Entry, Key


def make_cache(
    tiers: str,
    redis_url: str,
    memcached: tuple[str, ...],
    prefix: str,
    *,
    entries: int = 20_000,
    listening: bool = True,
) -> TieredCache:
    """A cache with the tiers that are named, as in "l1 l2 l3"."""
    return TieredCache(
        tiers=make_tiers(
            clock=time.time,
            redis_url=redis_url if "l3" in tiers else None,
            memcached_servers=memcached if "l2" in tiers else (),
            prefix=prefix,
            memory_entries=entries if "l1" in tiers else 0,
        ),
        clock=time.time,
        catalogue=CATALOGUE,
        listening=listening,
    )


def proved(cache: TieredCache, within_s: float = 10) -> TieredCache:
    """The same cache, once it has proved that it hears of every change."""
    eventually(lambda: cache.health()["coherence"] in {"proved", "alone"}, within_s=within_s)
    return cache


def filled(cache: TieredCache, keys: Sequence[Key], values: Sequence[Any]) -> None:
    """Put values until every tier has them: a machine that is busy may lose one meanwhile."""
    puts = [Put(key, value) for key, value in zip(keys, values, strict=True)]
    eventually(
        lambda: all("failed" not in one.tiers.values() for one in cache.put_many(puts)),
        within_s=20,
        every_s=0.1,
    )


def from_tier(entries: Iterable[Entry | None], tier: str, values: Sequence[Any]) -> bool:
    """Whether the values are right; raises Disturbed when they came from another tier."""
    got = list(entries)
    if any(entry is None or entry.tier != tier for entry in got):
        raise Disturbed(tier)
    return [entry.value for entry in got if entry is not None] == list(values)
