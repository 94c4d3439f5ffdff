"""What worker processes do with a cache of their own: hold keys in memory, and say when they saw a change."""

from __future__ import annotations

import ctypes
import time
from typing import TYPE_CHECKING, Any

from benchmarks.cache.ours import make_cache, proved
from benchmarks.cache.workers import kept
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cache import Key, TieredCache

GIVE_UP_S = 10.0
_PR_SET_TIMERSLACK = 29


def join(redis_url: str, memcached: tuple[str, ...], prefix: str) -> None:
    """Open the cache of this process, in place of the one before."""
    # Short sleeps shall be short: by default the kernel adds up to 50 us.
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1)
    leave()
    kept["cache"] = proved(make_cache("l1 l2 l3", redis_url, memcached, prefix))


def leave() -> None:
    """Close it."""
    before = kept.pop("cache", None)
    if before is not None:
        before.close()


def hold(keys: Sequence[Key]) -> bool:
    """Have all of these fresh in memory."""
    cache: TieredCache = kept["cache"]

    def held() -> bool:
        cache.get_many(keys)
        return all(_fresh(cache, key, "l1") for key in keys)

    return eventually(held, within_s=GIVE_UP_S)


def watch(probes: Sequence[Key], look_s: float) -> float:
    """When (on the machine's monotonic clock) the last of them was no longer served as fresh.

    That is when the first `get` began that answered so: it then asks the other tiers for something newer.
    """
    cache: TieredCache = kept["cache"]
    deadline = time.monotonic() + GIVE_UP_S
    asked_at = 0.0
    for key in probes:
        asked_at = time.monotonic()
        while _fresh(cache, key):
            assert asked_at < deadline, f"{key} is still fresh"
            time.sleep(look_s)
            asked_at = time.monotonic()
    return asked_at


def all_stale(keys: Sequence[Key]) -> bool:
    """Whether none of them is served as fresh."""
    found = kept["cache"].get_many(keys)
    return all(entry.state == "stale" for entry in found.values())


def cpu_of(seconds: float) -> float:
    """The processor seconds that this process takes within the next `seconds`."""
    began = time.process_time()
    time.sleep(seconds)
    return time.process_time() - began


def _fresh(cache: TieredCache, key: Key, tier: str = "") -> bool:
    entry: Any = cache.get(key)
    return entry is not None and entry.state == "fresh" and (not tier or entry.tier == tier)
