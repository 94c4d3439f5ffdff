"""B12 to B14: Redis dead, Redis frozen, Memcached frozen: what the first call costs, and those after it."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from benchmarks.cache.ours import filled, make_cache, proved
from benchmarks.cache.peers.loops import Loop, aiocache_memcached, cashews_on
from benchmarks.cache.peers.threads import (
    dogpile_pymemcache,
    dogpile_redis,
    flask_cache,
    pymemcache,
)
from benchmarks.cache.rules import Measured
from benchmarks.cache.values import keys, ticker, tickers
from tests.support.servers import memcached_server, redis_server
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.cache.bench import Bench
    from cache import Key, TieredCache

MS = 1e-3
TIGHT_S = 0.05
WHAT = {"B12": "L3 dead", "B13": "L3 frozen", "B14": "L2 frozen"}
KEYS = 200
PAUSE_S = 0.002


def measure(bench: Bench) -> list[Measured]:
    """Ours over several faults, each with another kind of call as its first; peers once, up to a bound."""
    redis = bench.stack.enter_context(redis_server())
    memcached = bench.stack.enter_context(memcached_server())
    return [_row(bench, id_, redis, memcached) for id_ in WHAT]


def _row(bench: Bench, id_: str, redis: Any, memcached: Any) -> Measured:
    server = memcached if id_ == "B14" else redis
    firsts, laters = [], []
    for number in bench.effort.turns(1.0):
        first, later = _ours(id_, server, redis, memcached, bench.renew(), number)
        firsts.append(first / MS)
        laters.append(later / MS)
    took = _peers(_remote_calls(redis) if server is redis else _near_calls(memcached), id_, server, bench)
    patience = bench.effort.patience_s
    return Measured(
        id_, f"{WHAT[id_]}: the first call", "ms", firsts,
        {name: [patience / MS if seconds is None else seconds / MS] for name, seconds in took.items()},
        {"p99 of the calls after it": laters},
        at_least=tuple(name for name, seconds in took.items() if seconds is None),
    )  # fmt: skip


def _ours(id_: str, server: Any, redis: Any, memcached: Any, prefix: str, number: int) -> tuple[float, float]:
    """Seconds of the first call after the fault, and the 99th of a hundred of the rest."""
    cache = proved(make_cache("l2 l3", f"{redis.url}/0", (memcached.address,), prefix))
    try:
        stored, absent = keys(KEYS), keys(KEYS, prefix="NONE")
        filled(cache, stored, tickers(KEYS))
        eventually(lambda: set(cache.health().values()) <= {"up", "absent", "proved"}, within_s=5)
        calls = [_calls(cache, number, stored, absent) for number in range(KEYS)]
        _break(id_, server)
        # A read that a whole tier answers would not notice.
        first = _timed(calls[0][number % (len(calls[0]) - 1)])
        later = []
        for turn, some in enumerate(calls[1:]):
            later.append(_timed(some[turn % len(some)]))
            time.sleep(PAUSE_S)
        return first, sorted(later)[int(len(later) * 0.99)]
    finally:
        _mend(id_, server)
        cache.close()


def _calls(cache: TieredCache, number: int, stored: list[Key], absent: list[Key]) -> list[Callable[[], Any]]:
    """One of each kind: a miss, a write, a cold key, an invalidation, a read; what they answer is checked."""
    key, value = stored[number], ticker(number)

    def miss() -> None:
        assert cache.get(absent[-1]) is None

    def read() -> None:
        entry = cache.get(key)
        assert entry is None or entry.value == value

    def write() -> None:
        entry = cache.put(key, value).entry
        assert entry is not None
        assert entry.value == value

    def invalidate() -> None:
        cache.expire(stored[-1])

    def compute() -> None:
        assert cache.get_or_compute(absent[number], lambda: value).value == value

    return [miss, write, compute, invalidate, read]


def _break(id_: str, server: Any) -> None:
    if id_ == "B12":
        server.kill()
    else:
        server.freeze()


def _mend(id_: str, server: Any) -> None:
    if id_ == "B12":
        server.restart()
    else:
        server.thaw()
    eventually(server.answers, within_s=10)


def _timed(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _peers(calls: dict[str, Any], id_: str, server: Any, bench: Bench) -> dict[str, float | None]:
    """Seconds of each peer's first call, all at the same time; None for those given up."""
    took: dict[str, float | None] = dict.fromkeys(calls)
    for call in calls.values():
        call()

    def run(name: str) -> None:
        began = time.perf_counter()
        # An error is an answer: what is measured is when it came.
        with suppress(Exception):
            calls[name]()
        took[name] = time.perf_counter() - began

    _break(id_, server)
    try:
        # Daemons: one that hangs for ever keeps nobody.
        threads = [threading.Thread(target=run, args=(name,), daemon=True) for name in calls]
        until = time.monotonic() + bench.effort.patience_s
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        return dict(took)
    finally:
        _mend(id_, server)


def _remote_calls(server: Any) -> dict[str, Callable[[], Any]]:
    url = f"{server.url}/1"
    app, flask = flask_cache("RedisCache", url)
    tight = Redis.from_url(
        url, socket_timeout=TIGHT_S, socket_connect_timeout=TIGHT_S, retry=Retry(NoBackoff(), 0)
    )
    plain, by_url = Redis(server.host, server.port, db=1), Redis.from_url(url)
    region = dogpile_redis(url)
    loop = Loop()
    cashews = cashews_on(loop, url)

    def of_flask() -> Any:
        with app.app_context():
            return flask.get("x")

    return {
        "redis-py, 50 ms, no retries": lambda: tight.get("x"),
        "redis-py, by URL": lambda: by_url.get("x"),
        "redis-py": lambda: plain.get("x"),
        "dogpile.redis": lambda: region.get("x"),
        "cashews": lambda: loop.run(cashews.get("x")),
        "Flask-Caching": of_flask,
    }


def _near_calls(server: Any) -> dict[str, Callable[[], Any]]:
    tight, plain, region = pymemcache(server, TIGHT_S), pymemcache(server, None), dogpile_pymemcache(server)
    loop, other = Loop(), aiocache_memcached(server)
    return {
        "pymemcache, 50 ms": lambda: tight.get("x"),
        "pymemcache": lambda: plain.get("x"),
        "dogpile.pymemcache": lambda: region.get("x"),
        "aiocache memcached": lambda: loop.run(other.get("x")),
    }
