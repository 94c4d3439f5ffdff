"""B9: when another process sees an invalidation. B22: what many of them cost it."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import TYPE_CHECKING, Any

from benchmarks.cache import following, watching
from benchmarks.cache.ours import filled
from benchmarks.cache.peers.loops import Loop, cashews_on
from benchmarks.cache.peers.threads import redis_py
from benchmarks.cache.rules import Measured
from benchmarks.cache.values import SOURCE, TTL_S, keys, ticker, tickers
from cache import Put

if TYPE_CHECKING:
    from benchmarks.cache.bench import Bench

MS, US = 1e-3, 1e-6
ENTRIES = 10_000
# Longer sleeps let the processor doze, which is then measured instead.
LOOK_S = 5e-6
AT_ONCE = 100
REDIS_PY_KEYS = 20


def measure(bench: Bench) -> list[Measured]:
    """Both with one other process that holds what is invalidated."""
    worker = bench.workers(1)[0]
    loop = Loop()
    bench.stack.callback(loop.close)
    rows = [_seen(bench, worker, loop), _many(bench, worker, loop)]
    worker.ask(watching.leave)
    return rows


def _seen(bench: Bench, worker: Any, loop: Loop) -> Measured:
    bench.renew()
    cache = bench.cache()
    worker.ask(watching.join, *bench.place)
    worker.ask(following.subscribe, bench.peers_url)
    worker.ask(following.open_cashews, bench.peers_url)
    # Two-tiered there, plain here: the writer's own memory would only slow it down.
    writer, raw = cashews_on(loop, bench.peers_url), redis_py(bench.peers_url)
    samples = 40 if bench.effort.quick else 220
    found: dict[str, list[list[float]]] = {"ours": [], "bare pub/sub": [], "cashews client-side": []}
    for _ in bench.effort.turns(2.5):
        found["ours"].append([_one_of_ours(cache, worker, number) for number in range(samples)])
        found["bare pub/sub"].append([_one_message(raw, worker) for _ in range(samples)])
        found["cashews client-side"].append(
            [_one_of_cashews(writer, loop, worker) for _ in range(samples // 4)]
        )
    worker.ask(following.close)
    halves = {name: [statistics.median(one) / MS for one in rounds] for name, rounds in found.items()}
    everything = sorted(one for rounds in found["ours"] for one in rounds)
    p99 = everything[int(len(everything) * 0.99)] / MS
    return Measured(
        "B9", "invalidation seen in another process, p50", "ms", halves.pop("ours"), halves, {"p99": [p99]}
    )


def _one_of_ours(cache: Any, worker: Any, number: int) -> float:
    key = SOURCE.key(name=f"seen{number % 20}")
    filled(cache, [key], [ticker(number)])
    worker.ask(watching.hold, [key])
    worker.send(watching.watch, [key], LOOK_S)
    time.sleep(0.0005)
    began = time.monotonic()
    cache.expire(key)
    return float(worker.answer()) - began


def _one_message(raw: Any, worker: Any) -> float:
    worker.send(following.next_message)
    time.sleep(0.0005)
    began = time.monotonic()
    raw.publish(following.CHANNEL, b"x")
    return float(worker.answer()) - began


def _one_of_cashews(writer: Any, loop: Loop, worker: Any) -> float:
    loop.run(writer.set(f"{following.CASHEWS_PREFIX}seen", 1, expire=TTL_S))
    worker.ask(following.hold_in_cashews, "seen")
    worker.send(following.watch_cashews, "seen")
    time.sleep(0.0005)
    began = time.monotonic()
    loop.run(writer.delete(f"{following.CASHEWS_PREFIX}seen"))
    return float(worker.answer()) - began


def _many(bench: Bench, worker: Any, loop: Loop) -> Measured:
    """Processor time of the process that hears, a key; 10,000 keys a second, 100 a call."""
    bench.renew()
    cache = bench.cache()
    worker.ask(watching.join, *bench.place)
    all_keys, values = keys(ENTRIES, prefix="M"), tickers(ENTRIES)
    count = 2_000 if bench.effort.quick else ENTRIES
    found: dict[str, list[float]] = {"ours": [], "cashews client-side": [], "redis-py client-side": []}
    single: list[float] = []
    worker.ask(following.open_cashews, bench.peers_url)
    writer = cashews_on(loop, bench.peers_url)
    for _ in bench.effort.turns(2.0):
        for start in range(0, ENTRIES, 500):
            puts = [Put(*pair) for pair in zip(all_keys[start : start + 500], values[start:], strict=False)]
            cache.put_many(puts)
        for start in range(0, ENTRIES, 2_000):
            worker.ask(watching.hold, all_keys[start : start + 2_000])
        found["ours"].append(_heard(cache, worker, all_keys[:count], AT_ONCE) / US)
        single.append(_heard(cache, worker, all_keys[count : count + 500] or all_keys[:500], 1) / US)
        found["cashews client-side"].append(_heard_by_cashews(writer, loop, worker) / US)
        found["redis-py client-side"].append(
            worker.ask(following.cost_in_redis_py, ENTRIES, REDIS_PY_KEYS) / US
        )
    ours = found.pop("ours")
    return Measured(
        "B22", "10,000 invalidations/s, 10,000 entries in L1, CPU a key", "us", ours, found,
        {"us a key when each is a message of its own": single},
        notes=(f"{AT_ONCE} keys a call; of redis-py the dropping alone, which walks its whole memory a key",),
    )  # fmt: skip


def _heard(cache: Any, worker: Any, some: list[Any], at_once: int) -> float:
    lasts = max(0.2, len(some) / ENTRIES)
    idle = worker.ask(watching.cpu_of, lasts)
    worker.send(watching.cpu_of, lasts + 0.1)
    began = time.monotonic()
    for start in range(0, len(some), at_once):
        cache.expire(*some[start : start + at_once])
        behind = began + (start + at_once) / ENTRIES - time.monotonic()
        if behind > 0:
            time.sleep(behind)
    busy = worker.answer()
    assert worker.ask(watching.all_stale, some)
    return max(0.0, float(busy) - idle) / len(some)


def _heard_by_cashews(writer: Any, loop: Loop, worker: Any) -> float:
    count = 500

    async def fill() -> None:
        await writer.set_many(
            {f"{following.CASHEWS_PREFIX}m{number}": ticker(number) for number in range(count)}, expire=TTL_S
        )

    async def clear() -> None:
        await asyncio.gather(
            *(writer.delete(f"{following.CASHEWS_PREFIX}m{number}") for number in range(count))
        )

    loop.run(fill())
    worker.ask(following.hold_many_in_cashews, count)
    worker.send(following.watch_many_in_cashews, count)
    loop.run(clear())
    return float(worker.answer()) / count
