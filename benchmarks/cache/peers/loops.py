"""The asynchronous peers: cashews and aiocache, each in an event loop of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiocache
import cashews
from aiocache.serializers import PickleSerializer
from cashews.backends.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from tests.support.servers import RunningServer

SIZE = 20_000


class Loop:
    """An event loop that goes on only while something is run in it."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run to the end."""
        return self._runner.run(work)

    def close(self) -> None:
        """Cancel what is left and close it."""
        self._runner.close()


def cashews_on(loop: Loop, url: str, **options: Any) -> cashews.Cache:
    """A cashews cache on a URL, ready."""
    cache = cashews.Cache()
    cache.setup(url, **options)
    loop.run(cache.init())
    return cache


def cashews_two_tiered(loop: Loop, url: str) -> cashews.Cache:
    """With memory before Redis; under RESP3, redis-py's default, it would not hear of any change."""
    return cashews_on(loop, url, client_side=True, local_cache=Memory(size=SIZE), protocol=2)


def aiocache_memory() -> aiocache.SimpleMemoryCache:
    """Keeps objects as they are."""
    return aiocache.SimpleMemoryCache()


def aiocache_redis(url: str) -> aiocache.RedisCache:
    """With pickle, which is faster than its JSON."""
    address, _, database = url.removeprefix("redis://").partition("/")
    host, _, port = address.partition(":")
    return aiocache.RedisCache(
        endpoint=host, port=int(port), db=int(database or 0), serializer=PickleSerializer()
    )


def aiocache_memcached(server: RunningServer) -> aiocache.MemcachedCache:
    """With the same, through aiomcache."""
    return aiocache.MemcachedCache(endpoint=server.host, port=server.port, serializer=PickleSerializer())
