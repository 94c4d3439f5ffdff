"""B15: a tier is killed and comes back after 4 s; how soon it is used again, and whether with old values."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

from pymemcache.client.base import Client
from pymemcache.client.hash import HashClient

from benchmarks.cache.ours import filled, make_cache, proved
from benchmarks.cache.rules import Measured
from benchmarks.cache.values import keys
from tests.support.servers import memcached_server, redis_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.cache.bench import Bench
    from cache import Key, TieredCache

AWAY_S = 4.0
GIVE_UP_S = 20.0
LOOK_S = 0.01
COUNT = 20
# As soon back as pymemcache lets one say.
TUNED = {"retry_attempts": 0, "retry_timeout": 0.1, "dead_timeout": 1.0}


def measure(bench: Bench) -> list[Measured]:
    """L3 alone, L2 alone, and L2 of two servers of which one flaps; each on servers of its own."""
    rounds = 1 if bench.effort.quick else 7
    with ThreadPoolExecutor(4) as pool:
        ours = [pool.submit(_repeated, one, rounds) for one in (_redis, _memcached)]
        peers = {
            "HashClient": pool.submit(_hash_client, bench.effort.patience_s),
            "HashClient, tuned": pool.submit(_hash_client, bench.effort.patience_s, **TUNED),
        }
        results = [pair for one in ours for pair in one.result()]
        theirs = {name: one.result() for name, one in peers.items()}
    given_up = tuple(name for name, (took, _) in theirs.items() if took is None)
    notes = [f"{name}: {old} of {COUNT} values old when it goes again" for name, (_, old) in theirs.items()]
    return [
        Measured(
            "B15", "kill -9 a tier, back after 4 s: until used again", "s", [took for took, _ in results],
            {name: [bench.effort.patience_s if took is None else took] for name, (took, _) in theirs.items()},
            {"old values": [float(count) for _, count in results]},
            at_least=given_up, notes=tuple(notes),
        )
    ]  # fmt: skip


def _repeated(scenario: Callable[[], list[tuple[float, int]]], rounds: int) -> list[tuple[float, int]]:
    return [pair for _ in range(rounds) for pair in scenario()]


def _redis() -> list[tuple[float, int]]:
    """Redis comes back empty; the writes that it missed must reach it, for others to read."""
    with ExitStack() as stack:
        redis, memcached = stack.enter_context(redis_server()), stack.enter_context(memcached_server())
        place = (f"{redis.url}/0", (memcached.address,), "back")
        writer = _opened(stack, "l1 l2 l3", *place)
        wanted = keys(COUNT)
        filled(writer, wanted, ["v1"] * COUNT)
        redis.kill()
        _busy_until(time.monotonic() + AWAY_S, lambda: [writer.put(key, "v2") for key in wanted])
        redis.restart()
        back_at = time.monotonic()
        # Another process, which has nothing but Redis.
        reader = stack.enter_context(closing(make_cache("l3", *place)))
        old = _until(lambda: reader.get_many(wanted), wanted, "l3")
        return [(time.monotonic() - back_at, old)]


def _memcached() -> list[tuple[float, int]]:
    """One of two servers goes, and values change while it is away; twice, for a flapping one."""
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server())
        one, other = stack.enter_context(memcached_server()), stack.enter_context(memcached_server())
        cache = _opened(stack, "l2 l3", f"{redis.url}/0", (one.address, other.address), "flap")
        wanted, results = keys(COUNT), []
        filled(cache, wanted, ["v0"] * COUNT)
        for away_s, value in ((AWAY_S, "v1"), (1.0, "v3")):
            one.kill()
            _busy_until(
                time.monotonic() + away_s,
                lambda value=value: [cache.put(key, value) for key in wanted],  # type: ignore[misc] # a loop's own
            )
            one.restart()
            back_at = time.monotonic()
            old = _until(lambda: cache.get_many(wanted), wanted, "l2", value)
            results.append((time.monotonic() - back_at, old))
            for key in wanted:
                cache.put(key, "v2")
        return results


def _until(read: Callable[[], Any], wanted: list[Key], tier: str, value: str = "v2") -> int:
    """Read until all are there and come from the tier; how often an old value was called fresh meanwhile."""
    old: int = 0
    deadline = time.monotonic() + GIVE_UP_S
    while time.monotonic() < deadline:
        found = read()
        old += sum(entry.value != value and entry.state == "fresh" for entry in found.values())
        if len(found) == len(wanted) and all(entry.tier == tier for entry in found.values()):
            return old
        time.sleep(LOOK_S)
    raise AssertionError(f"{tier} is not used {GIVE_UP_S} s after it is back")


def _hash_client(patience_s: float, **tuned: float) -> tuple[float | None, int]:
    """Seconds until pymemcache's client of several servers uses the one that is back, and old values."""
    with memcached_server() as one, memcached_server() as other:
        client = HashClient(
            [(one.host, one.port), (other.host, other.port)],
            no_delay=True, timeout=0.05, connect_timeout=0.05, ignore_exc=True, default_noreply=False,
            **tuned,
        )  # fmt: skip
        names = [f"k{number}" for number in range(COUNT)]
        _set_all(client, names, b"v0")
        one.kill()
        _busy_until(time.monotonic() + AWAY_S, lambda: _set_all(client, names, b"v1"))
        one.restart()
        back_at = time.monotonic()
        used_at = _used_again(client, one, names, patience_s)
        if used_at is None:
            return None, 0
        # It goes again, and what was written elsewhere meanwhile is found there.
        _set_all(client, names, b"v2")
        one.kill()
        old, until = 0, time.monotonic() + AWAY_S / 2
        while time.monotonic() < until and not old:
            old = sum(client.get(name) not in {None, b"v2"} for name in names)
        return used_at - back_at, old


def _set_all(client: HashClient, names: list[str], value: bytes) -> None:
    for name in names:
        client.set(name, value)


def _used_again(client: HashClient, server: Any, names: list[str], patience_s: float) -> float | None:
    """When the server that is back holds something again."""
    outside = Client((server.host, server.port), timeout=1)
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        _set_all(client, names, b"v1")
        if int(outside.stats()[b"curr_items"]) > 0:
            return time.monotonic()
        time.sleep(LOOK_S)
    return None


def _opened(stack: ExitStack, tiers: str, *place: Any) -> TieredCache:
    return proved(stack.enter_context(closing(make_cache(tiers, *place))))


def _busy_until(at: float, work: Callable[[], Any]) -> None:
    """Go on writing all the time that a server is away, as a system does."""
    while time.monotonic() < at:
        work()
        time.sleep(LOOK_S)
