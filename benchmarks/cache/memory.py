"""B1: a hit in this process's memory, through the public `get`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import cachetools

from benchmarks.cache.ours import filled, from_tier
from benchmarks.cache.peers.loops import Loop, aiocache_memory, cashews_on, cashews_two_tiered
from benchmarks.cache.peers.threads import dogpile_memory, flask_cache
from benchmarks.cache.rounds import Contender, async_contender, contender, interleaved
from benchmarks.cache.rules import Measured
from benchmarks.cache.values import BATCH, TTL_S, keys, tickers

if TYPE_CHECKING:
    from benchmarks.cache.bench import Bench

NS = 1e-9
TIDEMARK = "Tidemark"


def measure(bench: Bench) -> list[Measured]:
    """200 keys, read one by one over and over."""
    bench.renew()
    loop = Loop()
    bench.stack.callback(loop.close)
    contenders = [_ours(bench), _plain_dict(), _cachetools(), _dogpile(), *_asynchronous(bench, loop)]
    app, contender_of_flask = _flask()
    with app.app_context():
        found = interleaved([*contenders, contender_of_flask], bench.effort, per_pass=BATCH, unit_s=NS)
    ours = found.pop(TIDEMARK)
    return [Measured("B1", "L1 hit, public get, 200 keys", "ns", ours, found)]


def _names() -> list[str]:
    return [key.text for key in keys()]


def _ours(bench: Bench) -> Contender:
    cache, wanted, values = bench.cache(), keys(), tickers()
    filled(cache, wanted, values)
    get = cache.get
    return contender(TIDEMARK, lambda: [get(key) for key in wanted], lambda got: from_tier(got, "l1", values))


def _plain_dict() -> Contender:
    values, names, now = tickers(), _names(), time.time
    held = {name: (now() + TTL_S, value) for name, value in zip(names, values, strict=True)}

    def get(name: str) -> Any:
        record = held.get(name)
        return record[1] if record is not None and now() < record[0] else None

    return contender("dict with a lifetime", lambda: [get(name) for name in names], values.__eq__)


def _cachetools() -> Contender:
    values, names = tickers(), _names()
    held: cachetools.TTLCache[str, Any] = cachetools.TTLCache(20_000, TTL_S)
    held.update(zip(names, values, strict=True))
    get = held.get
    return contender("cachetools", lambda: [get(name) for name in names], values.__eq__)


def _dogpile() -> Contender:
    values, names, region = tickers(), _names(), dogpile_memory()
    region.set_multi(dict(zip(names, values, strict=True)))
    get = region.get
    return contender("dogpile.memory", lambda: [get(name) for name in names], values.__eq__)


def _flask() -> tuple[Any, Contender]:
    values, names = tickers(), _names()
    app, cache = flask_cache("SimpleCache")
    with app.app_context():
        for name, value in zip(names, values, strict=True):
            cache.set(name, value)
    get = cache.get
    return app, contender("Flask-Caching", lambda: [get(name) for name in names], values.__eq__)


def _asynchronous(bench: Bench, loop: Loop) -> list[Contender]:
    values, names = tickers(), _names()
    caches = {
        "cashews memory": cashews_on(loop, "mem://", size=20_000),
        "cashews client-side": cashews_two_tiered(loop, bench.peers_url),
        "aiocache memory": aiocache_memory(),
    }
    made = []
    for label, cache in caches.items():
        for name, value in zip(names, values, strict=True):
            lifetime = {"ttl": TTL_S} if label.startswith("aiocache") else {"expire": TTL_S}
            loop.run(cache.set(name, value, **lifetime))

        async def one_pass(get: Any = cache.get) -> list[Any]:
            return [await get(name) for name in names]

        made.append(async_contender(label, loop.run, one_pass, values.__eq__))
    return made
