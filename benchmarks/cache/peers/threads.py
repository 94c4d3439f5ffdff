"""The synchronous peers: dogpile.cache and Flask-Caching, and the bare clients below everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import redis
from dogpile.cache import make_region
from flask import Flask
from flask_caching import Cache as FlaskCache
from pymemcache.client.base import Client

from benchmarks.cache.values import TTL_S

if TYPE_CHECKING:
    from dogpile.cache.region import CacheRegion

    from tests.support.servers import RunningServer

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder().decode
IN_TIME_S = 5.0


def pymemcache(server: RunningServer, timeout_s: float | None = IN_TIME_S) -> Client:
    """The plain client without its 40 ms stalls; keys come as bytes, so that it need not encode them."""
    return Client((server.host, server.port), no_delay=True, timeout=timeout_s, connect_timeout=timeout_s)


def redis_py(url: str) -> redis.Redis:
    """The plain client, RESP2 (the faster of its parsers), large reads."""
    return redis.Redis.from_url(url, protocol=2, socket_timeout=IN_TIME_S, socket_read_size=256 * 1024)


def dogpile_memory() -> CacheRegion:
    """Keeps objects as they are."""
    return make_region().configure("dogpile.cache.memory", expiration_time=TTL_S)


def dogpile_redis(url: str, **arguments: Any) -> CacheRegion:
    """With msgpack, which is faster than its pickle."""
    return _with_msgpack().configure(
        "dogpile.cache.redis", expiration_time=TTL_S, arguments={"url": url, **arguments}
    )


def dogpile_pymemcache(server: RunningServer) -> CacheRegion:
    """The same on Memcached; it offers no way to set `no_delay`."""
    return _with_msgpack().configure(
        "dogpile.cache.pymemcache", expiration_time=TTL_S, arguments={"url": [server.address]}
    )


def flask_cache(kind: str, url: str = "") -> tuple[Flask, FlaskCache]:
    """An application and its cache; calls are made within its context."""
    app = Flask(__name__)
    config: dict[str, Any] = {
        "CACHE_TYPE": kind, "CACHE_DEFAULT_TIMEOUT": TTL_S, "CACHE_THRESHOLD": 20_000,
    }  # fmt: skip
    if url:
        config["CACHE_REDIS_URL"], config["CACHE_REDIS_DB"] = url, int(url.rpartition("/")[2])
    return app, FlaskCache(app, config=config)


def _with_msgpack() -> CacheRegion:
    return make_region(serializer=encode, deserializer=decode)
