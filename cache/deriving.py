"""Values computed from other values: read, compute, store fenced, so that none is fresher than its inputs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

from cache.entry import Entry, Put, PutResult, Token, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from cache.keys import Key
    from cache.single_flight import SingleFlight
    from cache.stats import Stats

    Inputs = Mapping[Key, Entry | None]


class ReadsAndWrites(Protocol):
    """As much of the cache as deriving needs."""

    def get(self, key: Key) -> Entry | None:
        """One entry."""

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Entry]:
        """A batch of entries."""

    def put_many(self, items: Sequence[Put]) -> list[PutResult]:
        """A batch of writes."""

    def token(self) -> Token:
        """Now."""


class Deriver:
    """Runs the caller's functions between a fenced read and a fenced write."""

    def __init__(self, *, cache: ReadsAndWrites, flights: SingleFlight, stats: Stats) -> None:
        self._cache = cache
        self._flights = flights
        self._stats = stats

    def derive(self, key: Key, inputs: Sequence[Key], compute: Callable[[Inputs], Any]) -> Entry:
        """One value from its inputs."""
        return self.derive_many((key,), lambda _: inputs, lambda batch: {key: compute(batch[key])})[key]

    def derive_many(
        self,
        keys: Iterable[Key],
        inputs_of: Callable[[Key], Sequence[Key]],
        compute_many: Callable[[Mapping[Key, Inputs]], Mapping[Key, Any]],
    ) -> dict[Key, Entry]:
        """Many values, with one read and one write for all."""
        token = self._cache.token()
        wanted = {key: tuple(inputs_of(key)) for key in keys}
        if not wanted:
            return {}
        read = self._cache.get_many(dict.fromkeys(one for inputs in wanted.values() for one in inputs))
        batch = {key: {one: read.get(one) for one in inputs} for key, inputs in wanted.items()}
        started = time.perf_counter()
        computed = compute_many(batch)
        self._count(computed, time.perf_counter() - started)
        puts = [_put(key, value, token, batch[key]) for key, value in computed.items()]
        return {result.key: _entry(result) for result in self._cache.put_many(puts)}

    def get_or_compute(self, key: Key, compute: Callable[[], Any]) -> Entry:
        """The fresh entry, or the one computation of it."""
        entry = self._cache.get(key)
        if entry is not None and entry.state == "fresh":
            return entry
        return self._flights.fly(key, lambda: self._computed(key, compute))

    def _computed(self, key: Key, compute: Callable[[], Any]) -> Entry:
        token = self._cache.token()
        started = time.perf_counter()
        value = compute()
        self._count((key,), time.perf_counter() - started)
        return _entry(self._cache.put_many((_put(key, value, token, {}),))[0])

    def _count(self, keys: Iterable[Key], took_s: float) -> None:
        done = tuple(keys)
        for key in done:
            counter = self._stats.of(key.kind.name)
            counter.computations += 1
            counter.compute_s += took_s / len(done)


def _put(key: Key, value: Any, token: Token, inputs: Inputs) -> Put:
    # An input that was not there is named all the same: when it comes, what was made without it is old.
    named = tuple(one if entry is None else entry for one, entry in inputs.items())
    if isinstance(value, Value):
        return Put(key, value.value, value.as_of, named, token)
    return Put(key, value, None, named, token)


def _entry(result: PutResult) -> Entry:
    if result.entry is None:
        raise RuntimeError(f"the write of {result.key} lost its entry")
    return result.entry
