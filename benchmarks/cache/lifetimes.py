"""B17: a value that lives 2 s moves to a nearer tier at 85 % of its life; when is it last called fresh."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import cachetools
from redis import Redis

from benchmarks.cache.ours import make_cache, proved
from benchmarks.cache.peers.loops import Loop, cashews_on, cashews_two_tiered
from benchmarks.cache.rounds import Disturbed
from benchmarks.cache.rules import Measured
from benchmarks.cache.values import BRIEF, ticker

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.cache.bench import Bench

LIFE_S = 2
PROMOTED_AT_S = 0.85 * LIFE_S
LOOK_S = 0.001
GIVE_UP_S = 5.0
ATTEMPTS = 5


def measure(bench: Bench) -> list[Measured]:
    """Several keys at the same time count as rounds; the peers one each."""
    bench.renew()
    rounds = 3 if bench.effort.quick else 7
    with ThreadPoolExecutor(rounds + 2) as pool:
        ours = [pool.submit(_undisturbed, bench, number) for number in range(rounds)]
        peers = {
            "cachetools before redis-py": pool.submit(_by_hand, bench),
            "cashews client-side": pool.submit(_cashews, bench),
        }
        lives = {name: one.result() for name, one in peers.items()}
        return [
            Measured(
                "B17", "lifetime 2 s, promoted at 85 % of it: fresh for", "s", [one.result() for one in ours],
                {name: [life] for name, life in lives.items()},
                at_least=tuple(name for name, life in lives.items() if life >= GIVE_UP_S),
            )
        ]  # fmt: skip


def _undisturbed(bench: Bench, number: int) -> float:
    for attempt in range(ATTEMPTS):
        try:
            return _ours(bench, f"brief{number}-{attempt}")
        except Disturbed:
            continue
    raise Disturbed(f"{ATTEMPTS} times in a row the readers came too late")


def _ours(bench: Bench, name: str) -> float:
    """Seconds from the write to the last time that a value was called fresh."""
    place = (bench.redis_url, (bench.memcached.address,), bench.prefix)
    writer = proved(make_cache("l3", *place))
    readers = [proved(make_cache("l1 l2 l3", *place)), proved(make_cache("l2 l3", *place))]
    try:
        key = BRIEF.key(name=name)
        stored_at = time.monotonic()
        writer.put(key, ticker(1))
        time.sleep(max(0.0, stored_at + PROMOTED_AT_S - time.monotonic()))
        tiers: set[str] = set()

        def fresh() -> bool:
            found = [reader.get(key) for reader in readers]
            now_fresh = [one for one in found if one is not None and one.state == "fresh"]
            assert all(one.value == ticker(1) for one in now_fresh)
            tiers.update(one.tier for one in now_fresh)
            return bool(now_fresh)

        life = _last(fresh, stored_at)
        if not {"l1", "l2"} <= tiers:
            raise Disturbed(f"promoted to {tiers} only")
        return life
    finally:
        for cache in (writer, *readers):
            cache.close()


def _last(fresh: Callable[[], bool], stored_at: float) -> float:
    """The age at which it was last served."""
    last = 0.0
    while (now := time.monotonic()) < stored_at + GIVE_UP_S:
        if not fresh():
            return last
        last = now - stored_at
        time.sleep(LOOK_S)
    return GIVE_UP_S


def _by_hand(bench: Bench) -> float:
    """What one writes first: a TTLCache before Redis, both with the same lifetime."""
    redis = Redis.from_url(bench.peers_url)
    near: cachetools.TTLCache[str, Any] = cachetools.TTLCache(100, LIFE_S)
    stored_at = time.monotonic()
    redis.set("brief", b"v", ex=LIFE_S)
    time.sleep(PROMOTED_AT_S)

    def fresh() -> bool:
        value = near.get("brief")
        if value is None:
            value = redis.get("brief")
            if value is not None:
                near["brief"] = value
        return value is not None

    return _last(fresh, stored_at)


def _cashews(bench: Bench) -> float:
    loop = Loop()
    try:
        writer, reader = cashews_on(loop, bench.peers_url), cashews_two_tiered(loop, bench.peers_url)
        stored_at = time.monotonic()
        loop.run(writer.set("cashews:brief", "v", expire=LIFE_S))
        time.sleep(PROMOTED_AT_S)
        return _last(lambda: loop.run(reader.get("brief")) is not None, stored_at)
    finally:
        loop.close()
