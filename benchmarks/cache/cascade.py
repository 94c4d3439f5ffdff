"""B8: a source expires, and with it a thousand that were derived from it, or a chain of four."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from benchmarks.cache import watching
from benchmarks.cache.peers import cacheops
from benchmarks.cache.peers.loops import Loop, cashews_on
from benchmarks.cache.rules import Measured
from benchmarks.cache.values import LAST, MIDDLE, NEXT, SOURCE, TTL_S, keys, ticker, tickers
from benchmarks.cache.workers import ask_all
from cache import Put
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.cache.bench import Bench
    from cache import Key, TieredCache

MS = 1e-3
DEPENDENTS = 1000
PROCESSES = 4
AT_ONCE = 250


def measure(bench: Bench) -> list[Measured]:
    """From the call until it returned, and until four processes that held all of it saw it."""
    bench.renew()
    cache = bench.cache()
    loop = Loop()
    bench.stack.callback(loop.close)
    cacheops.configure(bench.peers_url)
    tagged = cashews_on(loop, bench.peers_url)
    team = bench.workers(PROCESSES)
    ask_all(team, watching.join, *bench.place)
    wide, deep = keys(DEPENDENTS, MIDDLE, "D"), [kind.key(name="chain") for kind in (MIDDLE, NEXT, LAST)]
    returned: list[float] = []
    seen: list[float] = []
    chain: list[float] = []
    chain_seen: list[float] = []
    peers: dict[str, list[float]] = {"cacheops, remote only": [], "cashews tags, remote only": []}
    for number in bench.effort.turns(3.0):
        for derived, took, until in ((wide, returned, seen), (deep, chain, chain_seen)):
            figures = _ours(bench, cache, derived, fan=derived is wide)
            took.append(figures[0] / MS)
            until.append(figures[1] / MS)
        if bench.effort.quick and number:
            continue  # storing theirs takes most of the time
        peers["cacheops, remote only"].append(_cacheops() / MS)
        peers["cashews tags, remote only"].append(loop.run(_cashews(tagged)) / MS)
    ask_all(team, watching.leave)
    further = {
        "until four processes see it": seen,
        "chain of four, to return": chain,
        "chain of four, until four processes see it": chain_seen,
    }
    return [Measured("B8", "cascade over 1,000 dependents, to return", "ms", returned, peers, further)]


def _ours(bench: Bench, cache: TieredCache, derived: list[Key], *, fan: bool) -> tuple[float, float]:
    source = SOURCE.key(name="wide" if fan else "deep")
    team = bench.workers(PROCESSES)
    eventually(lambda: _fill(cache, source, derived, fan=fan), within_s=10)
    ask_all(team, watching.hold, [source, *derived])
    probes = [derived[-1], derived[len(derived) // 2], derived[0], source]
    for worker in team:
        worker.send(watching.watch, probes)
    time.sleep(0.02)
    began = time.monotonic()
    touched = cache.expire(source)
    returned = time.monotonic()
    seen = max(worker.answer() for worker in team)
    assert set(touched) == {source, *derived}
    assert all(ask_all(team, watching.all_stale, [source, *derived]))
    return returned - began, seen - began


def _fill(cache: TieredCache, source: Key, derived: list[Key], *, fan: bool) -> bool:
    parent = cache.put(source, ticker(0)).entry
    results = []
    if fan:
        puts = [
            Put(key, value, inputs=(parent,)) for key, value in zip(derived, tickers(DEPENDENTS), strict=True)
        ]
        for start in range(0, len(puts), AT_ONCE):
            results += cache.put_many(puts[start : start + AT_ONCE])
    else:
        for key in derived:
            results.append(cache.put(key, ticker(1), inputs=(parent,)))
            parent = results[-1].entry
    return not any(one.born_stale or "failed" in one.tiers.values() for one in results)


def _cacheops() -> float:
    named = {f"ops:{number}": value for number, value in enumerate(tickers(DEPENDENTS))}
    cacheops.cache_dependents("source", named)
    assert cacheops.still_there(named) == DEPENDENTS
    began = time.monotonic()
    cacheops.invalidate("source")
    took = time.monotonic() - began
    assert cacheops.still_there(named) == 0
    return took


async def _cashews(cache: Any) -> float:
    names: Sequence[str] = [f"tagged:{number}" for number in range(DEPENDENTS)]
    values = tickers(DEPENDENTS)
    for start in range(0, DEPENDENTS, AT_ONCE):
        some = zip(names[start : start + AT_ONCE], values[start:], strict=False)
        await asyncio.gather(*(cache.set(name, value, expire=TTL_S, tags=["source"]) for name, value in some))
    assert all(await cache.get_many(*names))
    began = time.monotonic()
    await cache.delete_tags("source")
    took = time.monotonic() - began
    assert not any(await cache.get_many(*names))
    return took
