"""B16: an invalidation in the middle of a computation, in every order of the steps."""

from __future__ import annotations

import time
from itertools import combinations, count
from typing import TYPE_CHECKING, Any, Protocol

from benchmarks.cache.ours import filled
from benchmarks.cache.peers.loops import Loop, cashews_on
from benchmarks.cache.peers.threads import dogpile_redis
from benchmarks.cache.rules import Measured
from benchmarks.cache.values import MIDDLE, SOURCE, TTL_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.cache.bench import Bench
    from benchmarks.cache.rounds import Effort
    from cache import Key, TieredCache

    Steps = Sequence[str]

# The steps of who computes, and of who changes what it was computed from.
COMPUTING = ("read", "store")
CHANGING = ("invalidate", "store anew")
SETTLE_S = 1.0
QUICK_S = 3.0
LOOK_S = 0.005
_numbers = count()


class Caching(Protocol):
    """One way to cache what is computed from a source, on which the orders are tried."""

    def attempt(self, before: Steps, between: Steps, after: Steps) -> None:
        """Compute once from a new source of version 1, with changes before, between and after."""

    def served(self) -> set[int]:
        """The versions of the source out of which a value is served as fresh now, by any reader."""


def measure(bench: Bench) -> list[Measured]:
    """How many orders leave a value behind that is old and called fresh."""
    bench.renew()
    loop = Loop()
    bench.stack.callback(loop.close)
    writer, other, far_reader = bench.cache(), bench.cache(), bench.cache("l2 l3")
    caches = (writer, other, far_reader)
    ours = [_Ours(caches, way, reason) for way in WAYS for reason in ("expire", "remove")]
    peers: dict[str, Caching] = {
        "dogpile.redis": _Dogpile(bench.peers_url),
        "cashews": _Cashews(loop, bench.peers_url),
    }
    tried = [_stale_sets(ours[number]) for number in _ways(bench.effort, len(ours))]
    stale = [float(sum(tried))]
    orders = len(list(_orders()))
    notes = (
        f"ours: {orders} orders of {len(tried)} ways to write and invalidate, each read by three caches",
        f"the peers: {orders} orders, in 2 of which the invalidation comes in the middle",
    )
    return [
        Measured(
            "B16", "invalidated in the middle of a computation, all orders", "stale sets", stale,
            {name: [float(_stale_sets(one))] for name, one in peers.items()}, notes=notes,
        )
    ]  # fmt: skip


def _ways(effort: Effort, number: int) -> Iterator[int]:
    """All of them; a quick run stops after some seconds. The note says how many."""
    began = time.monotonic()
    for way in range(number):
        if effort.quick and time.monotonic() - began > QUICK_S:
            return
        yield way


def _orders() -> Iterator[tuple[Steps, Steps, Steps]]:
    """Every merge of the two sequences: the changes before the read, between, and after the store."""
    total = len(COMPUTING) + len(CHANGING)
    for read, store in combinations(range(total), len(COMPUTING)):
        yield CHANGING[:read], CHANGING[read : store - 1], CHANGING[store - 1 :]


def _stale_sets(caching: Caching) -> int:
    """How many orders end with a value out of version 1 that is still called fresh."""
    stale = 0
    for order in _orders():
        caching.attempt(*order)
        until = time.monotonic() + SETTLE_S
        while 1 in caching.served() and time.monotonic() < until:
            time.sleep(LOOK_S)
        stale += 1 in caching.served()
    # Not by refusing everything: what nobody disturbs is fresh.
    caching.attempt((), (), ())
    assert caching.served() == {1}, f"{caching} stores nothing fresh"
    return stale


class _Ours:
    """One of our ways to write; the changes come from another cache, as from another process."""

    def __init__(self, caches: tuple[TieredCache, ...], way: str, reason: str) -> None:
        self._caches, self._writer, self._other = caches, caches[0], caches[1]
        self._way, self._reason = WAYS[way], reason
        # A computation that names no inputs is invalidated by its own name.
        self._by_source = way not in {"get_or_compute", "token"}

    def attempt(self, before: Steps, between: Steps, after: Steps) -> None:
        number = next(_numbers)
        self.source, self.derived = SOURCE.key(name=f"s{number}"), MIDDLE.key(name=f"d{number}")
        self._truth = {"version": 1}
        filled(self._other, [self.source], [self._truth])
        self._change(before)
        self._way(self, lambda: self._change(between))
        self._change(after)

    def served(self) -> set[int]:
        entries = [cache.get(self.derived) for cache in self._caches]
        return {one.value["version"] for one in entries if one is not None and one.state == "fresh"}

    def with_entries(self, between: Callable[[], None]) -> None:
        """Read, compute, put with the entries that were read."""
        entry = self._writer.get(self.source)
        between()
        if entry is not None:
            self._writer.put(self.derived, dict(entry.value), inputs=(entry,))

    def with_keys(self, between: Callable[[], None]) -> None:
        """Take a token, read, compute, put with the keys and the token."""
        token = self._writer.token()
        entry = self._writer.get(self.source)
        between()
        if entry is not None:
            self._writer.put(self.derived, dict(entry.value), inputs=(self.source,), token=token)

    def with_token(self, between: Callable[[], None]) -> None:
        """Take a token, read elsewhere, put with the token."""
        token = self._writer.token()
        value = dict(self._truth)
        between()
        self._writer.put(self.derived, value, token=token)

    def by_derive(self, between: Callable[[], None]) -> None:
        """All in one call, with the changes inside the computation."""

        def compute(inputs: Any) -> dict[str, int]:
            entry = inputs[self.source]
            between()
            return {"version": 0} if entry is None else dict(entry.value)

        self._writer.derive(self.derived, (self.source,), compute)

    def by_get_or_compute(self, between: Callable[[], None]) -> None:
        """The same, for a value that is computed from elsewhere."""

        def compute() -> dict[str, int]:
            value = dict(self._truth)
            between()
            return value

        self._writer.get_or_compute(self.derived, compute)

    def _change(self, steps: Steps) -> None:
        for step in steps:
            if step == "store anew":
                filled(self._other, [self.source], [self._truth])
                continue
            self._truth = {"version": 2}
            key: Key = self.source if self._by_source else self.derived
            invalidate = self._other.expire if self._reason == "expire" else self._other.remove
            invalidate(key)


WAYS = {
    "entries": _Ours.with_entries,
    "keys": _Ours.with_keys,
    "token": _Ours.with_token,
    "derive": _Ours.by_derive,
    "get_or_compute": _Ours.by_get_or_compute,
}


class _Dogpile:
    """`get_or_create` with the changes inside its creator, and `delete` as invalidation."""

    def __init__(self, url: str) -> None:
        self._region = dogpile_redis(url, distributed_lock=True, thread_local_lock=False, lock_timeout=10)

    def attempt(self, before: Steps, between: Steps, after: Steps) -> None:
        self._name, self._truth = f"d{next(_numbers)}-{time.monotonic_ns()}", 1
        self._change(before)

        def create() -> int:
            value = self._truth
            self._change(between)
            return value

        self._region.get_or_create(self._name, create)
        self._change(after)

    def served(self) -> set[int]:
        value = self._region.get(self._name)
        return {value} if isinstance(value, int) else set()

    def _change(self, steps: Steps) -> None:
        if "invalidate" in steps:
            self._truth = 2
            self._region.delete(self._name)


class _Cashews:
    """`get_or_set` with the changes inside, and a tag's deletion as invalidation."""

    def __init__(self, loop: Loop, url: str) -> None:
        self._loop, self._cache = loop, cashews_on(loop, url)

    def attempt(self, before: Steps, between: Steps, after: Steps) -> None:
        self._name, self._truth = f"c{next(_numbers)}-{time.monotonic_ns()}", 1
        self._loop.run(self._attempt(before, between, after))

    def served(self) -> set[int]:
        value: Any = self._loop.run(self._cache.get(self._name))
        return set() if value is None else {int(value)}

    async def _attempt(self, before: Steps, between: Steps, after: Steps) -> None:
        await self._change(before)
        value = self._truth
        await self._change(between)
        await self._cache.set(self._name, value, expire=TTL_S, tags=[f"t:{self._name}"])
        await self._change(after)

    async def _change(self, steps: Steps) -> None:
        if "invalidate" in steps:
            self._truth = 2
            await self._cache.delete_tags(f"t:{self._name}")
