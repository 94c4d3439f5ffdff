"""B5 to B7: batches of 200 from Memcached, from all three tiers, and into both remote ones."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from benchmarks.cache.ours import filled, from_tier, make_cache, proved
from benchmarks.cache.peers.loops import (
    Loop,
    aiocache_memcached,
    aiocache_redis,
    cashews_on,
)
from benchmarks.cache.peers.threads import (
    dogpile_pymemcache,
    dogpile_redis,
    encode,
    pymemcache,
    redis_py,
)
from benchmarks.cache.proxy import Proxy
from benchmarks.cache.rounds import Contender, Disturbed, async_contender, contender, interleaved
from benchmarks.cache.rules import Measured
from benchmarks.cache.values import BATCH, SOURCE, TTL_S, keys, tickers
from cache import Put

if TYPE_CHECKING:
    from benchmarks.cache.bench import Bench

MS = 1e-3
THIRD = BATCH // 3
TIDEMARK = "Tidemark"
KIND = f"{SOURCE.name}|".encode()
READS, WRITES = (b"get", b"gets", b"mg"), (b"add", b"set", b"ms", b"cas", b"mn")


def measure(bench: Bench) -> list[Measured]:
    """Reads with decoding, then round trips counted on the wire, then writes."""
    loop = Loop()
    bench.stack.callback(loop.close)
    return [_many_read(bench, loop), _trips(bench), _many_written(bench, loop)]


def _names(label: str) -> list[str]:
    return [f"{label}:{key.text.replace('|', ':')}" for key in keys()]


def _many_read(bench: Bench, loop: Loop) -> Measured:
    bench.renew()
    cache, wanted, values = bench.cache("l2 l3"), keys(), tickers()
    filled(cache, wanted, values)
    names, bodies = _names("many"), [encode(value) for value in values]
    client, region = pymemcache(bench.memcached), dogpile_pymemcache(bench.memcached)
    other = aiocache_memcached(bench.memcached)
    wire = [f"raw:{name}".encode() for name in names]
    client.set_many(dict(zip(wire, bodies, strict=True)), expire=TTL_S, noreply=False)
    region.set_multi(dict(zip(names, values, strict=True)))
    elsewhere = _names("aiocache")
    loop.run(other.multi_set(list(zip(elsewhere, values, strict=True)), ttl=TTL_S))
    contenders = [
        contender(
            TIDEMARK,
            lambda: cache.get_many(wanted),
            lambda got: from_tier((got.get(key) for key in wanted), "l2", values),
        ),
        contender("pymemcache", lambda: client.get_many(wire), dict(zip(wire, bodies, strict=True)).__eq__),
        contender("dogpile.pymemcache", lambda: region.get_multi(names), values.__eq__),
        async_contender("aiocache memcached", loop.run, lambda: other.multi_get(elsewhere), values.__eq__),
    ]
    found = interleaved(contenders, bench.effort, per_pass=1, unit_s=MS)
    return Measured("B5", "get_many of 200 from L2, decoded", "ms", found.pop(TIDEMARK), found)


def _trips(bench: Bench) -> Measured:
    """How often each server was spoken to and answered, counted by a proxy before it."""
    bench.renew()
    memcached = bench.stack.enter_context(Proxy(bench.memcached.host, bench.memcached.port))
    redis = bench.stack.enter_context(Proxy(bench.redis.host, bench.redis.port))
    reader = make_cache("l1 l2 l3", f"redis://{redis.address}/0", (memcached.address,), bench.prefix)
    bench.stack.callback(reader.close)
    proved(reader)
    writer, far_writer = bench.cache("l2 l3"), bench.cache("l3")
    counts: dict[str, list[float]] = {
        "round trips": [], "L2 reads": [], "L3 reads": [], "promotion writes": [], "ms": [],
    }  # fmt: skip
    for number in range(1 + max(7, bench.effort.rounds)):
        for _ in range(10):
            wanted = keys(BATCH, prefix=f"R{number}-{time.monotonic_ns()}-")
            filled(far_writer, wanted[2 * THIRD :], tickers()[2 * THIRD :])
            filled(writer, wanted[: 2 * THIRD], tickers()[: 2 * THIRD])
            reader.get_many(wanted[:THIRD])
            try:
                _one_trip(reader, wanted, memcached, redis, counts)
            except Disturbed:
                continue
            break
    # The first made connections, which is not what is counted.
    counts = {name: found[1:] for name, found in counts.items()}
    main = counts.pop("round trips")
    assert main, "no round was undisturbed"
    return Measured("B6", "get_many of 200, a third in each tier", "round trips", main, further=counts)


def _one_trip(
    reader: Any, wanted: list[Any], memcached: Proxy, redis: Proxy, counts: dict[str, list[float]]
) -> None:
    for proxy in (memcached, redis):
        proxy.requests.clear()
    began = time.perf_counter()
    got = reader.get_many(wanted)
    took = time.perf_counter() - began
    # What speaks of no key of ours is a heartbeat of the cache.
    far, near = ([one for one in proxy.requests if KIND in one] for proxy in (redis, memcached))
    _third(got, wanted[:THIRD], "l1", 0)
    _third(got, wanted[THIRD : 2 * THIRD], "l2", THIRD)
    _third(got, wanted[2 * THIRD :], "l3", 2 * THIRD)
    counts["round trips"].append(len(near) + len(far))
    counts["L2 reads"].append(sum(one.split(b" ", 1)[0] in READS for one in near))
    counts["L3 reads"].append(len(far))
    counts["promotion writes"].append(sum(one.split(b" ", 1)[0] in WRITES for one in near))
    counts["ms"].append(took / MS)


def _third(got: Any, wanted: list[Any], tier: str, first: int) -> None:
    assert from_tier([got.get(key) for key in wanted], tier, tickers(len(wanted), first))


def _many_written(bench: Bench, loop: Loop) -> Measured:
    bench.renew()
    cache, puts = bench.cache("l2 l3"), [Put(*pair) for pair in zip(keys(), tickers(), strict=True)]
    region = dogpile_redis(bench.peers_url, redis_expiration_time=TTL_S)
    plain = dogpile_redis(bench.peers_url)
    other, both = aiocache_redis(bench.peers_url), cashews_on(loop, bench.peers_url)
    named = {label: dict(zip(_names(label), tickers(), strict=True)) for label in ("d", "m", "c", "a")}

    def stored(results: Any) -> bool:
        if not all(one.tiers["l2"] == one.tiers["l3"] == "stored" for one in results):
            raise Disturbed
        got = cache.get_many(keys())
        return [got[key].value for key in keys()] == tickers()

    contenders = [
        contender(TIDEMARK, lambda: cache.put_many(puts), stored),
        _bare(bench),
        contender(
            "dogpile.redis", lambda: plain.set_multi(named["m"]),
            lambda _: plain.get_multi(list(named["m"])) == tickers(),
        ),
        contender(
            "dogpile.redis, expiring", lambda: region.set_multi(named["d"]),
            lambda _: region.get_multi(list(named["d"])) == tickers(),
        ),
        async_contender(
            "cashews redis", loop.run, lambda: both.set_many(named["c"], expire=TTL_S),
            lambda _: list(loop.run(both.get_many(*named["c"]))) == tickers(),
        ),
        async_contender(
            "aiocache redis", loop.run, lambda: other.multi_set(list(named["a"].items()), ttl=TTL_S),
            lambda _: loop.run(other.multi_get(list(named["a"]))) == tickers(),
        ),
    ]  # fmt: skip
    found = interleaved(contenders, bench.effort, per_pass=1, unit_s=MS)
    return Measured("B7", "put_many of 200 into L2 and L3", "ms", found.pop(TIDEMARK), found)


def _bare(bench: Bench) -> Contender:
    """The two clients by hand: a pipeline of SET with a lifetime, then Memcached's batch."""
    redis, client, values = redis_py(bench.peers_url), pymemcache(bench.memcached), tickers()
    names = _names("bare")
    wire = [name.encode() for name in names]

    def one_pass() -> list[bytes]:
        bodies = [encode(value) for value in values]
        with redis.pipeline(transaction=False) as pipeline:
            for name, body in zip(names, bodies, strict=True):
                pipeline.set(name, body, ex=TTL_S)
            pipeline.execute()
        client.set_many(dict(zip(wire, bodies, strict=True)), expire=TTL_S, noreply=False)
        return bodies

    def right(bodies: list[bytes]) -> bool:
        return redis.mget(names) == bodies and list(client.get_many(wire).values()) == bodies

    return contender("redis-py and pymemcache", one_pass, right)
