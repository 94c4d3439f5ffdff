"""A long run at full rate over keys that come and go, to see whether anything grows.

The bounds of the clients' structures are made small, so that each is reached in the first minute: what
grows after that grows without bound.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import psutil
import redis
import structlog

from cache import TieredCache, make_tiers
from tests.chaos.plan import BOARD, CHAIN, LAST, MIDDLE, NEXT, PAGE, SOURCE
from tests.chaos.series import HEADING, Sample, Series, line
from tests.chaos.telling import say
from tests.support import servers

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

PROCESSES = 4
# The names in use at one time, and how many of them are replaced by new ones each second.
WINDOW = 2_000
RENEWED_PER_S = 200
USABLE_FOR_S = 20
CALLS_BETWEEN_LOOKS = 50
OUTAGE_EVERY_S = 60.0
OUTAGE_S = 1.5
L1_ENTRIES, MOST_FLOORS, MOST_LINKS = 2_000, 2_000, 1_000
MB = 1_000_000
CHILDREN = {SOURCE: MIDDLE, MIDDLE: NEXT, NEXT: LAST, BOARD: PAGE}


def soak(minutes: float, *, every_s: float = 5.0, processes: int = PROCESSES, tell=say) -> Series:
    """Run it; tells of every sample as a line of a table."""
    series = Series(minutes)
    with ExitStack() as stack:
        far = stack.enter_context(servers.redis_server())
        near = stack.enter_context(servers.memcached_server())
        crew = [_start(number, far.port, near.port, stack) for number in range(processes)]
        client = stack.enter_context(redis.Redis(host=far.host, port=far.port, socket_timeout=5.0))
        began = time.monotonic()
        outage_at = began + OUTAGE_EVERY_S / 2
        tell(HEADING)
        while (now := time.monotonic()) < began + minutes * 60:
            if now >= outage_at:
                outage_at = now + OUTAGE_EVERY_S
                far.freeze()
                time.sleep(OUTAGE_S)
                far.thaw()
            time.sleep(max(0.0, every_s - (time.monotonic() - now)))
            series.samples.append(_sample(crew, client, near.pid, time.monotonic() - began))
            tell(line(series.samples[-1]))
        for pipe, _ in crew:
            pipe.send("stop")
    return series


def _start(number: int, redis_port: int, memcached_port: int, stack: ExitStack):
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=_live, args=(number, redis_port, memcached_port, theirs), name=f"soak-{number}", daemon=True
    )
    process.start()
    theirs.close()
    stack.callback(process.join, 5.0)
    return ours, psutil.Process(process.pid)


def _live(number: int, redis_port: int, memcached_port: int, pipe: Connection) -> None:
    """One process: as many calls as it can, telling of its sizes when asked."""
    structlog.configure(processors=[_silence])
    cache = TieredCache(
        tiers=make_tiers(
            clock=time.time,
            redis_url=f"redis://127.0.0.1:{redis_port}/0",
            memcached_servers=(f"127.0.0.1:{memcached_port}",),
            prefix="soak",
            memory_entries=L1_ENTRIES,
        ),
        catalogue=CHAIN,
        usable_for=USABLE_FOR_S,
    )
    tighten(cache)
    chances = random.Random(number)
    began, calls = time.monotonic(), 0
    while True:
        for _ in range(CALLS_BETWEEN_LOOKS):
            first = int((time.monotonic() - began) * RENEWED_PER_S)
            call_once(cache, f"n{first + chances.randrange(WINDOW)}", chances)
        calls += CALLS_BETWEEN_LOOKS
        if pipe.poll():
            if pipe.recv() == "stop":
                return
            pipe.send((calls, sizes(cache)))


def tighten(cache: TieredCache) -> None:
    """Small bounds, and fences kept no longer than what they fence can live."""
    engine = cache._engine
    engine.hub.floors._limit = MOST_FLOORS
    engine.local.dependents._limit = MOST_LINKS
    engine.far.keep_for_s = USABLE_FOR_S + max(CHAIN.lifetimes.values())


def call_once(cache: TieredCache, name: str, chances: random.Random) -> None:
    """One random call on one name."""
    chance = chances.random()
    source = SOURCE.key(name=name)
    if chance < 0.55:
        kind = chances.choice((SOURCE, MIDDLE, NEXT, LAST))
        entry = cache.get(kind.key(name=name))
        assert entry is None or entry.value["name"] == name
    elif chance < 0.75:
        cache.put(source, {"name": name, "rows": [chances.random() for _ in range(20)]})
    elif chance < 0.93:
        parent = chances.choice((SOURCE, MIDDLE, NEXT))
        key = CHILDREN[parent].key(name=name)
        cache.derive(key, (parent.key(name=name),), lambda _: {"name": name})
    elif chance < 0.96:
        cache.get_or_compute(source, lambda: {"name": name})
    elif chance < 0.99:
        cache.expire(source)
    else:
        cache.remove(source)


def sizes(cache: TieredCache) -> dict[str, int]:
    """Of what could grow in a client."""
    engine = cache._engine
    return {
        "fences": len(engine.hub.floors),
        "outbox": len(engine.outbox),
        "leases": len(engine.leases._local) + len(engine.leases._owed) + len(engine.leases._beating),
        "links": engine.local.dependents._links,
        "l1_entries": len(engine.tiers.memory),
    }


def _sample(crew, client, memcached_pid: int, at_s: float) -> Sample:
    for pipe, _ in crew:
        pipe.send("how")
    told = [pipe.recv() for pipe, _ in crew]
    counts = {name: [one[name] for _, one in told] for name in told[0][1]}
    return Sample(
        at_s=round(at_s, 1),
        rss_mb=[round(process.memory_info().rss / MB, 2) for _, process in crew],
        calls=sum(calls for calls, _ in told),
        redis_mb=round(client.info("memory")["used_memory"] / MB, 2),
        redis_keys=client.dbsize(),
        redis_fences=client.zcard("{soak}:fences"),
        memcached_mb=round(psutil.Process(memcached_pid).memory_info().rss / MB, 2),
        **counts,
    )


def _silence(_logger, _method, _event):
    raise structlog.DropEvent
