"""From settings to tiers: any subset of the three, each chosen by what is named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cache.tiers.absent import NoAuthority, NoSharedMemory
from cache.tiers.memcached import MemcachedTier
from cache.tiers.memory import MemoryTier
from cache.tiers.redis import RedisTier

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cache.tiers.base import Authority, SharedMemory

MB = 1024 * 1024


class CacheSettings(Protocol):
    """What the cache wants to be told."""

    @property
    def shared_cache_prefix(self) -> str:
        """The first part of every shared key."""

    @property
    def enable_multi_tier_cache(self) -> bool:
        """Off: Redis alone."""

    @property
    def enable_cache_pubsub(self) -> bool:
        """Off: no messages, and what L1 holds lives at most 1 s."""

    @property
    def memory_cache_entries(self) -> int:
        """Most entries in L1."""

    @property
    def memory_cache_mb(self) -> int:
        """Most megabytes in L1."""

    @property
    def usable_for(self) -> float:
        """Seconds that a stale value may still be served."""

    def redis_location(self) -> str | None:
        """The URL of L3."""

    def memcached_locations(self) -> tuple[str, ...]:
        """The servers of L2 as host:port."""

    def lifetimes(self) -> Mapping[str, float]:
        """Seconds by the name of the kind."""


@dataclass(frozen=True, slots=True)
class Tiers:
    """The three places, nearest first; those that are not there have a stand-in."""

    memory: MemoryTier
    near: SharedMemory
    far: Authority


def make_tiers(
    *,
    clock: Callable[[], float],
    redis_url: str | None = None,
    memcached_servers: tuple[str, ...] = (),
    prefix: str = "tidemark",
    memory_entries: int = 20_000,
    memory_mb: int = 64,
) -> Tiers:
    """The tiers that are named; `memory_entries` 0 leaves out L1."""
    near: SharedMemory = NoSharedMemory("l2")
    far: Authority = NoAuthority("l3")
    if memcached_servers:
        near = MemcachedTier(servers=memcached_servers, prefix=prefix, clock=clock)
    if redis_url is not None:
        far = RedisTier(url=redis_url, prefix=prefix)
    return Tiers(MemoryTier(most_entries=memory_entries, most_bytes=memory_mb * MB), near, far)


def tiers_from(settings: CacheSettings, clock: Callable[[], float]) -> Tiers:
    """The tiers that the settings name."""
    all_tiers = settings.enable_multi_tier_cache
    return make_tiers(
        clock=clock,
        redis_url=settings.redis_location(),
        memcached_servers=settings.memcached_locations() if all_tiers else (),
        prefix=settings.shared_cache_prefix,
        memory_entries=settings.memory_cache_entries if all_tiers else 0,
        memory_mb=settings.memory_cache_mb,
    )
