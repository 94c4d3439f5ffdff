"""B10: eight processes of 32 threads want the same cold key, which takes 300 ms to compute."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

from redis import Redis

from benchmarks.cache import watching
from benchmarks.cache.rules import Measured
from benchmarks.cache.values import SOURCE, TTL_S
from benchmarks.cache.workers import ask_all, kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.cache.bench import Bench

PROCESSES, THREADS, COMPUTE_S = 8, 32, 0.3
LEAD_S = 0.25
MS = 1e-3
PEERS = ("cashews", "Flask-Caching", "dogpile.redis", "aiocache")
QUICK_PEERS = 2
# Counted for itself, because asking is a command as well.
ASKING = ("info", "config|resetstat", "ping")


def measure(bench: Bench) -> list[Measured]:
    """Computations, time beyond the computation until the last caller has it, commands that Redis served."""
    team = bench.workers(PROCESSES)
    redis = Redis.from_url(bench.redis_url)
    names = PEERS[:QUICK_PEERS] if bench.effort.quick else PEERS
    found: dict[str, dict[str, list[float]]] = {name: _empty() for name in ("Tidemark", *names)}
    bench.renew()
    ask_all(team, watching.join, *bench.place)
    for number in bench.effort.turns(3.0):
        for name, figures in found.items():
            if name != "Tidemark" and bench.effort.quick and number > 0:
                continue
            ask_all(team, prepare, name, bench.peers_url)
            _one(team, redis, name, figures)
    ask_all(team, watching.leave)
    ours = found.pop("Tidemark")
    notes = tuple(
        f"{name}: {_middle(figures['computations']):g} computations, "
        f"{_middle(figures['beyond the computation']):,.0f} ms beyond the first, "
        f"{_middle(figures['Redis commands']):,.0f} commands"
        for name, figures in found.items()
    )
    return [
        Measured(
            "B10", "stampede: 8 processes x 32 threads, 300 ms compute", "computations",
            ours.pop("computations"),
            {name: figures["computations"] for name, figures in found.items()},
            further=ours, notes=notes,
        )
    ]  # fmt: skip


def _empty() -> dict[str, list[float]]:
    return {"computations": [], "beyond the computation": [], "Redis commands": []}


def _middle(rounds: list[float]) -> float:
    return sorted(rounds)[len(rounds) // 2]


def _one(team: list[Any], redis: Any, name: str, figures: dict[str, list[float]]) -> None:
    cold = f"cold-{time.monotonic_ns()}"
    before = _commands(redis)
    at = time.monotonic() + LEAD_S
    answers = ask_all(team, rush, name, cold, at)
    figures["Redis commands"].append(_commands(redis) - before)
    figures["computations"].append(sum(computed for computed, _, _ in answers))
    figures["beyond the computation"].append((max(last for _, last, _ in answers) - at - COMPUTE_S) / MS)
    # Where L3 was given up meanwhile, there is a computation per process: it is counted, not forbidden.
    values = {value for _, _, some in answers for value in some}
    assert all(value.startswith(cold) for value in values), values
    assert len(values) <= figures["computations"][-1], values


def _commands(redis: Any) -> float:
    stats = redis.info("commandstats")
    return float(
        sum(one["calls"] for name, one in stats.items() if name.removeprefix("cmdstat_") not in ASKING)
    )


def prepare(name: str, url: str) -> None:
    """Open this process's peer, once."""
    if name == "Tidemark" or name in kept:
        return
    kept[name] = _open(name, url)


def _open(name: str, url: str) -> Any:
    # Loaded by those that need them: eight processes begin at once.
    if name in {"cashews", "aiocache"}:
        from benchmarks.cache.peers import loops  # noqa: PLC0415 - see above

        loop = loops.Loop()
        if name == "aiocache":
            return loop, loops.aiocache_redis(url)
        return loop, loops.cashews_on(loop, url, max_connections=THREADS)
    from benchmarks.cache.peers import threads  # noqa: PLC0415 - see above

    if name == "Flask-Caching":
        return threads.flask_cache("RedisCache", url)
    return threads.dogpile_redis(
        url, distributed_lock=True, thread_local_lock=False, lock_sleep=0.02, lock_timeout=60
    )


def rush(name: str, cold: str, at: float) -> tuple[int, float, list[str]]:
    """All callers of this process at once; computations here, when the last was served, what they got."""
    computed: list[str] = []

    def compute() -> str:
        computed.append(f"{cold} by {threading.get_ident()} of {id(computed)}")
        time.sleep(COMPUTE_S)
        return computed[-1]

    if name in {"cashews", "aiocache"}:
        loop, cache = kept[name]
        ask = _cashews(cache, cold, computed) if name == "cashews" else _aiocache(cache, cold, computed)
        got = loop.run(_all_tasks(ask, at))
    else:
        got = _all_threads(_asker(name, cold, compute), at)
    return len(computed), max(end for end, _ in got), sorted({value for _, value in got})


def _asker(name: str, cold: str, compute: Callable[[], str]) -> Callable[[], str]:
    if name == "dogpile.redis":
        return lambda: str(kept[name].get_or_create(cold, compute))
    if name == "Flask-Caching":
        app, cache = kept[name]

        def ask() -> str:
            with app.app_context():
                value = cache.get(cold)
                if value is None:
                    value = compute()
                    cache.set(cold, value)
                return str(value)

        return ask
    key, ours = SOURCE.key(name=cold), kept["cache"]
    return lambda: str(ours.get_or_compute(key, compute).value)


def _all_threads(ask: Callable[[], str], at: float) -> list[tuple[float, str]]:
    got: list[tuple[float, str]] = []

    def one() -> None:
        time.sleep(max(0.0, at - time.monotonic()))
        value = ask()
        got.append((time.monotonic(), value))

    threads = [threading.Thread(target=one) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == THREADS
    return got


async def _all_tasks(ask: Callable[[], Any], at: float) -> list[tuple[float, str]]:
    async def one() -> tuple[float, str]:
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        value = await ask()
        return time.monotonic(), value

    return await asyncio.gather(*(one() for _ in range(THREADS)))


def _cashews(cache: Any, cold: str, computed: list[str]) -> Callable[[], Any]:
    @cache(ttl=TTL_S, key=cold, lock=True)
    async def ask() -> str:
        computed.append(f"{cold} of {id(computed)}")
        await asyncio.sleep(COMPUTE_S)
        return computed[-1]

    return ask


def _aiocache(cache: Any, cold: str, computed: list[str]) -> Callable[[], Any]:
    from aiocache.lock import RedLock  # noqa: PLC0415 - see _open

    async def ask() -> str:
        value = await cache.get(cold)
        if value is not None:
            return str(value)
        async with RedLock(cache, cold, lease=2):
            value = await cache.get(cold)
            if value is None:
                computed.append(f"{cold} of {id(computed)}")
                await asyncio.sleep(COMPUTE_S)
                value = computed[-1]
                await cache.set(cold, value, ttl=TTL_S)
            return str(value)

    return ask
