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
    from benchmarks.cache.workers import Worker
    from cache import Key, TieredCache

MS = 1e-3
DEPENDENTS = 1000
PROCESSES = 4
AT_ONCE = 250
LOOK_S = 200e-6
WIDE = keys(DEPENDENTS, MIDDLE, "D")
DEEP = [kind.key(name="chain") for kind in (MIDDLE, NEXT, LAST)]
SEEN, CHAIN = "until four processes see it", "chain of four, to return"
CHAIN_SEEN = "chain of four, until four processes see it"
BUSY, CHAIN_BUSY = "to return while four hear it", "chain of four, to return while four hear it"


def measure(bench: Bench) -> list[Measured]:
    """From the call until it returned, and until four processes that held all of it saw it."""
    loop = Loop()
    bench.stack.callback(loop.close)
    cacheops.configure(bench.peers_url)
    tagged = cashews_on(loop, bench.peers_url)
    bench.renew()
    alone = bench.cache()
    bench.renew()
    heard = bench.cache()
    team = bench.workers(PROCESSES)
    ask_all(team, watching.join, *bench.place)
    ours: list[float] = []
    peers: dict[str, list[float]] = {"cacheops, remote only": [], "cashews tags, remote only": []}
    further: dict[str, list[float]] = {name: [] for name in (SEEN, CHAIN, CHAIN_SEEN, BUSY, CHAIN_BUSY)}
    for number in bench.effort.turns(2.0):
        ours.append(_returned(alone, WIDE) / MS)
        further[CHAIN].append(_returned(alone, DEEP) / MS)
        for derived, busy, seen in ((WIDE, BUSY, SEEN), (DEEP, CHAIN_BUSY, CHAIN_SEEN)):
            figures = _heard(heard, team, derived)
            further[busy].append(figures[0] / MS)
            further[seen].append(figures[1] / MS)
        if bench.effort.quick and number:
            continue  # storing theirs takes most of the time
        peers["cacheops, remote only"].append(_cacheops() / MS)
        peers["cashews tags, remote only"].append(loop.run(_cashews(tagged)) / MS)
    ask_all(team, watching.leave)
    return [Measured("B8", "cascade over 1,000 dependents, to return", "ms", ours, peers, further)]


def _returned(cache: TieredCache, derived: list[Key]) -> float:
    """Seconds of the call, with nobody else about, as for the peers."""
    source = _filled(cache, derived)
    began = time.monotonic()
    touched = cache.expire(source)
    took = time.monotonic() - began
    assert set(touched) == {source, *derived}
    return took


def _heard(cache: TieredCache, team: list[Worker], derived: list[Key]) -> tuple[float, float]:
    """Seconds of the call, and until all of the team saw it, while they hear, look, and share two cores."""
    source = _filled(cache, derived)
    ask_all(team, watching.hold, [source, *derived])
    for worker in team:
        worker.send(watching.watch, [derived[-1], derived[len(derived) // 2], derived[0], source], LOOK_S)
    time.sleep(0.02)
    began = time.monotonic()
    touched = cache.expire(source)
    returned = time.monotonic()
    seen = max(worker.answer() for worker in team)
    assert set(touched) == {source, *derived}
    assert all(ask_all(team, watching.all_stale, [source, *derived]))
    return returned - began, seen - began


def _filled(cache: TieredCache, derived: list[Key]) -> Key:
    """The source, stored fresh with all that is derived from it."""
    source = SOURCE.key(name="wide" if derived is WIDE else "deep")
    eventually(lambda: _fill(cache, source, derived, fan=derived is WIDE), within_s=10)
    return source


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
