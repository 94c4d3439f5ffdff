"""The peers' side of other processes: a bare subscription, cashews' and redis-py's client-side caches."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from redis.cache import CacheConfig, CacheEntry, CacheEntryStatus, CacheKey

from benchmarks.cache.peers.loops import Loop, cashews_two_tiered
from benchmarks.cache.peers.threads import redis_py
from benchmarks.cache.workers import kept

CHANNEL = "bench:channel"
# What cashews puts before its keys in the two-tiered mode.
CASHEWS_PREFIX = "cashews:"
GIVE_UP_S = 10.0


def subscribe(url: str) -> None:
    """Open a plain subscription."""
    pubsub = redis_py(url).pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe(CHANNEL)
    pubsub.get_message(timeout=1)
    kept["pubsub"] = pubsub


def next_message() -> float:
    """When the next message came."""
    assert kept["pubsub"].get_message(timeout=GIVE_UP_S) is not None
    return time.monotonic()


def open_cashews(url: str) -> None:
    """Open the two-tiered cache of this process."""
    if "cashews" not in kept:
        loop = Loop()
        kept["cashews"] = loop, cashews_two_tiered(loop, url)


def close() -> None:
    """Close the plain subscription."""
    kept.pop("pubsub").close()


def hold_in_cashews(name: str) -> None:
    """Have it in memory."""
    loop, cache = kept["cashews"]

    async def hold() -> None:
        # A message about the write before this may still be on its way, and drop it again.
        await asyncio.sleep(0.002)
        await _until(cache, [name], there=True)

    loop.run(hold())


def watch_cashews(name: str) -> float:
    """When it was no longer there, as the beginning of the look that found it gone."""
    loop, cache = kept["cashews"]
    asked_at: float = loop.run(_until(cache, [name], there=False))
    return asked_at


def hold_many_in_cashews(count: int) -> None:
    """Have so many in memory."""
    loop, cache = kept["cashews"]
    loop.run(_until(cache, [f"m{number}" for number in range(count)], there=True))


def watch_many_in_cashews(count: int) -> float:
    """Processor seconds until all of them were dropped."""
    loop, cache = kept["cashews"]
    names = [f"m{number}" for number in range(count)]
    began = time.process_time()

    async def last_gone() -> None:
        deadline = time.monotonic() + GIVE_UP_S
        while time.monotonic() < deadline:
            if await cache.get(names[-1]) is None:
                return
            await asyncio.sleep(0.005)

    loop.run(last_gone())
    took = time.process_time() - began
    loop.run(_until(cache, names, there=False))
    return took


async def _until(cache: Any, names: list[str], *, there: bool) -> float:
    """Look until all are there, or gone; when the last look began."""
    deadline = time.monotonic() + GIVE_UP_S
    asked_at = 0.0
    for name in names:
        asked_at = time.monotonic()
        while (await cache.get(name) is not None) is not there:
            assert asked_at < deadline, f"cashews: {name}"
            await asyncio.sleep(0)
            asked_at = time.monotonic()
    return asked_at


def cost_in_redis_py(entries: int, count: int) -> float:
    """Processor seconds that redis-py's own client-side cache takes to drop one key out of `entries`.

    Its object alone, without the connection: with one it wants Redis 7.4.
    """
    held = CacheConfig(max_size=entries).get_cache_class()(CacheConfig(max_size=entries))
    for number in range(entries):
        name = CacheKey("GET", (f"tracked:{number}",))
        held.set(CacheEntry(name, b"x" * 200, CacheEntryStatus.VALID, None))
    began = time.process_time()
    dropped = [held.delete_by_redis_keys([f"tracked:{number}".encode()]) for number in range(count)]
    took = time.process_time() - began
    assert dropped == [[True]] * count
    return took / count
