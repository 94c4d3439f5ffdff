"""B3 and B4: one key from Memcached, one from Redis, with nothing nearer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.cache.ours import filled, from_tier
from benchmarks.cache.peers import cacheops
from benchmarks.cache.peers.loops import Loop, aiocache_memcached, aiocache_redis, cashews_on
from benchmarks.cache.peers.threads import (
    dogpile_pymemcache,
    dogpile_redis,
    encode,
    flask_cache,
    pymemcache,
    redis_py,
)
from benchmarks.cache.rounds import Contender, async_contender, contender, interleaved
from benchmarks.cache.rules import Measured
from benchmarks.cache.values import TTL_S, keys, tickers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.cache.bench import Bench

US = 1e-6
COUNT = 50
TIDEMARK = "Tidemark"


def measure(bench: Bench) -> list[Measured]:
    """50 keys, read one by one; our figure has the decoding in it, the bare clients return bytes."""
    loop = Loop()
    bench.stack.callback(loop.close)
    rows = []
    for id_, what, contenders in (
        ("B3", "L2 hit, L1 off", [_ours(bench, "l2 l3"), *_on_memcached(bench, loop)]),
        ("B4", "L3 hit, L1 and L2 off", [_ours(bench, "l3"), *_on_redis(bench, loop)]),
    ):
        app, flask = _flask(bench)
        if id_ == "B4":
            contenders.append(flask)
        with app.app_context():
            found = interleaved(contenders, bench.effort, per_pass=COUNT, unit_s=US)
        rows.append(Measured(id_, what, "us", found.pop(TIDEMARK), found))
    return rows


def _names() -> list[str]:
    return [key.text.replace("|", ":") for key in keys(COUNT)]


def _ours(bench: Bench, tiers: str) -> Contender:
    bench.renew()
    cache, wanted, values = bench.cache(tiers), keys(COUNT), tickers(COUNT)
    filled(cache, wanted, values)
    get, nearest = cache.get, tiers.split(maxsplit=1)[0]
    return contender(
        TIDEMARK, lambda: [get(key) for key in wanted], lambda got: from_tier(got, nearest, values)
    )


def _one_by_one(label: str, get: Callable[[Any], Any], names: Sequence[Any], want: list[Any]) -> Contender:
    return contender(label, lambda: [get(name) for name in names], want.__eq__)


def _on_memcached(bench: Bench, loop: Loop) -> list[Contender]:
    values, names = tickers(COUNT), _names()
    client, region = pymemcache(bench.memcached), dogpile_pymemcache(bench.memcached)
    wire = [f"raw:{name}".encode() for name in names]
    bodies = [encode(value) for value in values]
    client.set_many(dict(zip(wire, bodies, strict=True)), expire=TTL_S, noreply=False)
    region.set_multi(dict(zip(names, values, strict=True)))
    other = aiocache_memcached(bench.memcached)
    return [
        _one_by_one("pymemcache", client.get, wire, bodies),
        _one_by_one("dogpile.pymemcache", region.get, names, values),
        _awaited("aiocache memcached", loop, other, {"ttl": TTL_S}),
    ]


def _on_redis(bench: Bench, loop: Loop) -> list[Contender]:
    values, names = tickers(COUNT), _names()
    client, region = redis_py(bench.peers_url), dogpile_redis(bench.peers_url)
    raw = [f"raw:{name}" for name in names]
    bodies = [encode(value) for value in values]
    client.mset(dict(zip(raw, bodies, strict=True)))
    region.set_multi(dict(zip(names, values, strict=True)))
    cacheops.configure(bench.peers_url)
    simple = cacheops.simple_cache()
    for name, value in zip(names, values, strict=True):
        simple.set(f"ops:{name}", value, TTL_S)
    return [
        _one_by_one("redis-py", client.get, raw, bodies),
        _one_by_one("dogpile.redis", region.get, names, values),
        _one_by_one("cacheops", simple.get, [f"ops:{name}" for name in names], values),
        _awaited("cashews redis", loop, cashews_on(loop, bench.peers_url), {"expire": TTL_S}),
        _awaited("aiocache redis", loop, aiocache_redis(bench.peers_url), {"ttl": TTL_S}),
    ]


def _awaited(label: str, loop: Loop, cache: Any, lifetime: dict[str, int]) -> Contender:
    values, names = tickers(COUNT), [f"{label.replace(' ', '-')}:{name}" for name in _names()]
    for name, value in zip(names, values, strict=True):
        loop.run(cache.set(name, value, **lifetime))

    async def one_pass() -> list[Any]:
        return [await cache.get(name) for name in names]

    return async_contender(label, loop.run, one_pass, values.__eq__)


def _flask(bench: Bench) -> tuple[Any, Contender]:
    values, names = tickers(COUNT), [f"flask:{name}" for name in _names()]
    app, cache = flask_cache("RedisCache", bench.peers_url)
    with app.app_context():
        for name, value in zip(names, values, strict=True):
            cache.set(name, value)
    return app, _one_by_one("Flask-Caching", cache.get, names, values)
