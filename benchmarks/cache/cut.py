"""B18: the subscription is cut for 3 s while 100 keys change; for how long old values are fresh after it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from benchmarks.cache.ours import filled, make_cache, proved
from benchmarks.cache.peers.loops import Loop, cashews_on, cashews_two_tiered
from benchmarks.cache.proxy import Proxy
from benchmarks.cache.rules import Measured
from benchmarks.cache.values import TTL_S, keys, tickers
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.cache.bench import Bench

CUT_S = 3.0
COUNT = 100
LOOK_S = 0.002
WATCHED_S = 1.5


def measure(bench: Bench) -> list[Measured]:
    """Ours several times at once, every other time with a connection that stays open; cashews once."""
    bench.renew()
    rounds = 2 if bench.effort.quick else 7
    with ThreadPoolExecutor(rounds + 1) as pool:
        ours = [pool.submit(_ours, bench, number) for number in range(rounds)]
        peer = pool.submit(_cashews, bench)
        after, during = zip(*(one.result() for one in ours), strict=True)
        stale_s, given_up = peer.result()
        return [
            Measured(
                "B18", "pub/sub cut for 3 s, 100 keys change: stale after it", "s", list(after),
                {"cashews client-side": [stale_s]},
                {"an old value called fresh, at most, s after its change": list(during)},
                at_least=("cashews client-side",) if given_up else (),
            )
        ]  # fmt: skip


def _ours(bench: Bench, number: int) -> tuple[float, float]:
    """Seconds after the reconnection, and after the change, at which an old value was last called fresh."""
    with Proxy(bench.redis.host, bench.redis.port) as proxy:
        near, prefix = (bench.memcached.address,), f"{bench.prefix}-{number}"
        writer = proved(make_cache("l2 l3", bench.redis_url, near, prefix))
        reader = proved(make_cache("l1 l2 l3", f"redis://{proxy.address}/0", near, prefix))
        try:
            wanted, new = keys(COUNT), tickers(COUNT, first=COUNT)
            filled(writer, wanted, tickers(COUNT))
            eventually(lambda: {one.tier for one in reader.get_many(wanted).values()} == {"l1"}, within_s=5)

            def old() -> bool:
                found = reader.get_many(wanted)
                return any(
                    found[key].value != value and found[key].state == "fresh"
                    for key, value in zip(wanted, new, strict=True)
                    if key in found
                )

            proxy.cut_subscriptions(silently=number % 2 == 1)
            changed_at = time.monotonic()
            filled(writer, wanted, new)
            during = _last_seen(old, changed_at, CUT_S)
            assert reader.health()["coherence"] == "unproved", "the cut was not felt"
            proxy.mend()
            mended_at = time.monotonic()
            after = _last_seen(old, mended_at, WATCHED_S)
            eventually(lambda: reader.health()["coherence"] == "proved", within_s=5)
            return after, during
        finally:
            reader.close()
            writer.close()


def _last_seen(old: Callable[[], bool], since: float, lasts_s: float) -> float:
    """Seconds after `since` of the last time that an old value was seen, while watching so long."""
    last = 0.0
    while (now := time.monotonic()) < since + lasts_s:
        if old():
            last = now - since
        time.sleep(LOOK_S)
    return last


def _cashews(bench: Bench) -> tuple[float, bool]:
    """Seconds after the reconnection that cashews served old values, and whether it still did at the end."""
    loop = Loop()
    with Proxy(bench.redis.host, bench.redis.port) as proxy:
        try:
            writer = cashews_on(loop, bench.peers_url)
            reader = cashews_two_tiered(loop, f"redis://{proxy.address}/1")
            names = [f"cut{number}" for number in range(COUNT)]
            loop.run(writer.set_many({f"cashews:{name}": 1 for name in names}, expire=TTL_S))
            assert set(loop.run(reader.get_many(*names))) == {1}

            def old() -> bool:
                return 1 in loop.run(reader.get_many(*names))

            proxy.cut_subscriptions(silently=False)
            loop.run(writer.set_many({f"cashews:{name}": 2 for name in names}, expire=TTL_S))
            _last_seen(old, time.monotonic(), CUT_S)
            proxy.mend()
            stale_s = _last_seen(old, time.monotonic(), bench.effort.patience_s)
            return stale_s, old()
        finally:
            loop.close()
