"""B11: the process that computes a cold key is killed; how soon another computes it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from redis import Redis

from benchmarks.cache import watching
from benchmarks.cache.rules import Measured
from benchmarks.cache.values import SOURCE
from benchmarks.cache.workers import Worker, kept
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from benchmarks.cache.bench import Bench

LONG_S = 120.0
# What a peer's lease must outlast: a computation that takes half a minute is nothing unusual here.
PEER_LEASE_S = 40
# aiocache is not here: its lock keeps nobody waiting in another process.
PEERS = {"dogpile.redis": PEER_LEASE_S, "cashews": PEER_LEASE_S, "dogpile.redis, lock of 2 s": 2}
SETTLE_S = 0.3
NOTE = f"locks of {PEER_LEASE_S} s, as a computation may take; with shorter ones a long one is made twice"


def measure(bench: Bench) -> list[Measured]:
    """From the kill until the computation of another began; peers once, up to their bound."""
    bench.renew()
    patience_s = bench.effort.patience_s
    with ThreadPoolExecutor(1 + len(PEERS)) as pool:
        ours = pool.submit(_rounds_of_ours, bench)
        theirs = {
            name: pool.submit(_one, bench, name, patience_s)
            for name in list(PEERS)[: 2 if bench.effort.quick else None]
        }
        took = {name: one.result() for name, one in theirs.items()}
        return [
            Measured(
                "B11", "the leader is killed: until another computes", "s", ours.result(),
                {name: [patience_s if seconds is None else seconds] for name, seconds in took.items()},
                at_least=tuple(name for name, seconds in took.items() if seconds is None),
                notes=(NOTE,),
            )
        ]  # fmt: skip


def _rounds_of_ours(bench: Bench) -> list[float]:
    with Worker() as waiter:
        waiter.ask(watching.join, *bench.place)
        took = [_one(bench, "Tidemark", 30.0, waiter) for _ in bench.effort.turns(3.0)]
    assert None not in took
    return [one for one in took if one is not None]


def _one(bench: Bench, name: str, patience_s: float, waiter: Worker | None = None) -> float | None:
    """Seconds from the kill to the next computation, None when they were more than the patience."""
    marks = Redis.from_url(bench.peers_url)
    cold = f"killed-{name}-{time.monotonic_ns()}"
    with Worker() as leader:
        own = Worker() if waiter is None else waiter
        for worker in (leader, own):
            if name == "Tidemark" and worker is leader:
                worker.ask(watching.join, *bench.place)
            elif name != "Tidemark":
                worker.ask(ready, name)
        leader.send(compute, name, bench.peers_url, cold, LONG_S)
        eventually(lambda: marks.get(f"mark:{cold}"), within_s=20)
        marks.delete(f"mark:{cold}")
        own.send(compute, name, bench.peers_url, cold, 0.0)
        time.sleep(SETTLE_S)
        assert marks.get(f"mark:{cold}") is None, f"{name} does not wait"
        killed_at = time.monotonic()
        leader.kill()
        try:
            return _began_at(own, patience_s, killed_at)
        finally:
            if waiter is None:
                own.kill()


def _began_at(worker: Worker, patience_s: float, killed_at: float) -> float | None:
    try:
        began: float = worker.answer(patience_s)
    except TimeoutError:
        return None
    return began - killed_at


def ready(name: str) -> None:
    """Have a peer's modules loaded before the clock runs."""
    from benchmarks.cache.peers import loops, threads  # noqa: PLC0415, F401 - each process pays for its own

    kept["name"] = name


def compute(name: str, url: str, cold: str, takes_s: float) -> float:
    """Want the cold key; when its computation began here, marked in Redis as well."""
    began = [0.0]

    def computation() -> str:
        began[0] = time.monotonic()
        with Redis.from_url(url) as redis:
            redis.set(f"mark:{cold}", 1)
        time.sleep(takes_s)
        return "done"

    if name == "Tidemark":
        kept["cache"].get_or_compute(SOURCE.key(name=cold), computation)
    elif name == "cashews":
        _with_cashews(url, cold, computation)
    else:
        from benchmarks.cache.peers.threads import dogpile_redis  # noqa: PLC0415 - loaded by `ready`

        region = dogpile_redis(
            url, distributed_lock=True, thread_local_lock=False, lock_sleep=0.02, lock_timeout=PEERS[name]
        )
        region.get_or_create(cold, computation)
    return began[0]


def _with_cashews(url: str, cold: str, computation: Any) -> None:
    from benchmarks.cache.peers.loops import Loop, cashews_on  # noqa: PLC0415 - loaded by `ready`

    loop = Loop()
    cache = cashews_on(loop, url)

    @cache(ttl=PEER_LEASE_S, key=cold, lock=True)  # type: ignore[untyped-decorator] # cashews'
    async def ask() -> Any:
        return computation()

    loop.run(ask())
