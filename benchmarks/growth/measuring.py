"""Fills a Redis to each size and takes the cost of the same operations there."""

from __future__ import annotations

import random
import sys
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from redis import Redis

from benchmarks.cache.hush import hush
from benchmarks.cache.ours import filled, make_cache, proved
from benchmarks.cache.rounds import Contender, Disturbed, undisturbed
from benchmarks.cache.values import MIDDLE, SOURCE, ticker
from cache import Put
from tests.support.servers import redis_server
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from cache import Key, TieredCache

US, MS = 1e-6, 1e-3
BATCH, BATCHES = 200, (50, 200, 800)
GETS = 500
FILLED_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Size:
    """What was found with so many keys: the rounds of each cost (get in us, else ms), memory a key."""

    keys: int
    costs: dict[str, list[float]]
    bytes_a_key: float


def measured(sizes: tuple[int, ...], rounds: int) -> list[Size]:
    """Every size on a server of its own, filled first; then they take turns, as contenders do."""
    hush()
    with ExitStack() as stack:
        grounds = [_filled(stack, size) for size in sizes]
        costs: dict[int, dict[str, list[float]]] = {size: {} for size in sizes}
        for number in range(rounds):
            for size, cache, _ in (*grounds[number % len(grounds) :], *grounds[: number % len(grounds)]):
                for name, cost in _costs(cache, size, number).items():
                    costs[size].setdefault(name, []).append(cost)
        return [Size(size, costs[size], bytes_a_key) for size, _, bytes_a_key in grounds]


def _filled(stack: ExitStack, size: int) -> tuple[int, TieredCache, float]:
    """A cache on a Redis with so many keys, and the bytes that each of them takes there."""
    began = time.monotonic()
    server = stack.enter_context(redis_server())
    redis = Redis.from_url(f"{server.url}/0")
    redis.config_set("maxmemory", 0)
    cache = proved(stack.enter_context(closing(make_cache("l3", f"{server.url}/0", (), "growth"))))
    empty = redis.info("memory")["used_memory"]
    _fill(cache, size)
    bytes_a_key = (redis.info("memory")["used_memory"] - empty) / size
    assert redis.dbsize() >= size
    print(f"{size:,} keys stored in {time.monotonic() - began:.0f} s", file=sys.stderr)
    return size, cache, bytes_a_key


def key_of(number: int) -> Key:
    """The key with this number."""
    return SOURCE.key(name=f"G{number}/USDT:USDT")


def _fill(cache: TieredCache, size: int) -> None:
    # A few values for all keys: making a million would take longer than storing them.
    values = [ticker(number) for number in range(FILLED_AT_ONCE)]
    for start in range(0, size, FILLED_AT_ONCE):
        filled(cache, [key_of(start + at) for at in range(FILLED_AT_ONCE)], values)


def _costs(cache: TieredCache, size: int, number: int) -> dict[str, float]:
    """One round."""
    chance = random.Random(number)
    some = [key_of(chance.randrange(size)) for _ in range(GETS)]
    costs = {"get": _took(cache, partial(_read, cache, some)) / GETS / US}
    for batch in BATCHES:
        puts = [Put(key_of(at), ticker(at)) for at in chance.sample(range(size), batch)]
        costs[f"put_many of {batch}"] = _took(cache, partial(_written, cache, puts)) / MS
        cascade = _took(cache, partial(_cascade, cache, batch, f"cascade-{number}-{batch}"))
        costs[f"cascade of {batch}"] = cascade / MS
    return costs


def _took(cache: TieredCache, work: Callable[[], Any]) -> float:
    """Seconds of the work, or those that it says itself; made again when Redis was given up meanwhile."""

    def timed(_: int) -> float:
        eventually(lambda: cache.health()["l3"] == "up", within_s=20)
        began = time.perf_counter()
        own = work()
        return float(own or time.perf_counter() - began)

    return undisturbed(Contender("Tidemark", timed), 1)


def _read(cache: TieredCache, some: list[Key]) -> None:
    got = [cache.get(key) for key in some]
    if any(entry is None or entry.tier != "l3" for entry in got):
        raise Disturbed


def _written(cache: TieredCache, puts: list[Put]) -> None:
    if {one.tiers["l3"] for one in cache.put_many(puts)} != {"stored"}:
        raise Disturbed


def _cascade(cache: TieredCache, batch: int, name: str) -> float:
    """Seconds to expire a source with so many dependents; all of them go again afterwards."""
    source = SOURCE.key(name=name)
    stored = cache.put(source, ticker(0))
    assert stored.entry is not None
    derived = [MIDDLE.key(name=f"{name}-{number}") for number in range(batch)]
    results = cache.put_many([Put(key, ticker(1), inputs=(stored.entry,)) for key in derived])
    began = time.perf_counter()
    touched = cache.expire(source)
    took = time.perf_counter() - began
    if cache.health()["l3"] != "up" or {one.tiers["l3"] for one in (stored, *results)} != {"stored"}:
        raise Disturbed
    assert set(touched) == {source, *derived}
    cache.remove(source)
    return took
