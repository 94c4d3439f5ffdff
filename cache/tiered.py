"""TieredCache: the one object through which tasks and web read and write."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from cache.ageing import LAST_SHARE, LEAST_USES, MOST_LOOKED_AT, AgeingLook
from cache.bucket import Bucket
from cache.catalogue import CATALOGUE
from cache.deriving import Deriver
from cache.engine import Engine
from cache.entry import Put, Token
from cache.journal import Journal
from cache.keys import Touched
from cache.leases import RUN_LOCK_LIFE_S
from cache.warming import Warmer
from cache.watching import LOOKED_AT, WITHIN_S, Watching
from cache.wiring import tiers_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from cache.ageing import Ageing
    from cache.entry import Change, Entry, PutResult, Reason
    from cache.graph import Catalogue
    from cache.keys import Key, Kind
    from cache.leases import RunLock
    from cache.wiring import CacheSettings, Tiers

    Inputs = Mapping[Key, Entry | None]

USABLE_FOR_S = 86_400.0
WARM_PATIENCE_S = 0.5
ROLE = "process"


class TieredCache:
    """Reads the nearest tier first; writes and invalidates through Redis, which decides the order.

    No method raises or hangs because a tier is broken. Threads and sockets begin with the first
    call that needs them, in the process that makes it. `name` is the role under which this process
    is counted among all others, such as "web"; None for one that is not to be counted.
    """

    def __init__(
        self,
        *,
        tiers: Tiers,
        clock: Callable[[], float] = time.time,
        catalogue: Catalogue = CATALOGUE,
        usable_for: float = USABLE_FOR_S,
        listening: bool = True,
        name: str | None = ROLE,
    ) -> None:
        self.catalogue = catalogue
        self._clock = clock
        self._memory = tiers.memory
        self._engine = Engine(
            tiers=tiers,
            clock=clock,
            catalogue=catalogue,
            usable_for=usable_for,
            listening=listening,
            read=self.get,
            role=name,
        )
        self._hub = self._engine.hub
        self._warmer = Warmer(
            role=name, hits=self._engine.hits, memory=tiers.memory, kinds=catalogue.kinds, clock=clock
        )
        self._ageing = AgeingLook(
            far=self._engine.far, hits=self._engine.hits, catalogue=catalogue, clock=clock
        )
        self._watching = Watching(hits=self._engine.hits, kinds=catalogue.kinds, clock=clock)
        self._deriver = Deriver(cache=self, flights=self._engine.flights, stats=self._engine.stats)

    @classmethod
    def from_settings(
        cls, settings: CacheSettings, clock: Callable[[], float] = time.time, *, name: str | None = ROLE
    ) -> TieredCache:
        """The cache that the settings describe; raises GraphError for lifetimes that do not fit."""
        return cls(
            tiers=tiers_from(settings, clock),
            clock=clock,
            catalogue=CATALOGUE.with_lifetimes(settings.lifetimes()),
            usable_for=settings.usable_for,
            listening=settings.enable_cache_pubsub,
            name=name,
        )

    def get(self, key: Key, max_age: float | None = None) -> Entry | None:
        """The entry, fresh or stale, or None; one older than `max_age` seconds counts as stale."""
        # The hit path: no lock, no system call but the clock's.
        record = self._memory.peek(key.text)
        if record is not None and max_age is None:
            hub = self._hub
            now = self._clock()
            if now < hub.proved_until and record.epoch is hub.epoch:
                if now < record.fresh_until:
                    record.hits += 1
                    return record.entry
                if now < record.good_until:
                    record.hits += 1
                    record.counter.stale_served += 1
                    return record.entry
        return self.get_many((key,), max_age).get(key)

    def get_many(self, keys: Iterable[Key], max_age: float | None = None) -> dict[Key, Entry]:
        """The entries there are; one round trip per tier."""
        self._engine.ensure_started()
        return self._engine.reader.many(keys, max_age)

    def put(
        self,
        key: Key,
        value: Any,
        as_of: float | None = None,
        inputs: Iterable[Entry | Key] = (),
        token: Token | None = None,
    ) -> PutResult:
        """Store one value; raises NotCacheable when msgpack cannot carry it."""
        return self.put_many((Put(key, value, as_of, tuple(inputs), token),))[0]

    def put_many(self, items: Sequence[Put]) -> list[PutResult]:
        """Store a batch: one round trip per tier, one message; results in the order given."""
        self._engine.ensure_started()
        results = self._engine.writer.put_many(items)
        unannounced = [one.key.text for one in results if not self._engine.announced(one)]
        if unannounced:
            self._engine.subscribers.tell(unannounced, "put", results[0].version)
        return results

    def derive(self, key: Key, inputs: Sequence[Key], compute: Callable[[Inputs], Any]) -> Entry:
        """Read the inputs, compute, store fenced; `compute` gets {input key: entry or None}."""
        return self._deriver.derive(key, inputs, compute)

    def derive_many(
        self,
        keys: Iterable[Key],
        inputs_of: Callable[[Key], Sequence[Key]],
        compute_many: Callable[[Mapping[Key, Inputs]], Mapping[Key, Any]],
    ) -> dict[Key, Entry]:
        """The same for a batch: one read of all inputs, one computation, one write.

        A key that `compute_many` leaves out is not stored and not in the answer.
        """
        return self._deriver.derive_many(keys, inputs_of, compute_many)

    def get_or_compute(self, key: Key, compute: Callable[[], Any]) -> Entry:
        """The fresh entry, or one computation of it over all threads and processes."""
        return self._deriver.get_or_compute(key, compute)

    def expire(self, *keys: Key) -> Touched:
        """Turn the keys and all that is derived from them stale; returns what was touched."""
        return self._invalidate(keys, "expire")

    def remove(self, *keys: Key) -> Touched:
        """Make the keys and all that is derived from them go; returns what was touched."""
        return self._invalidate(keys, "remove")

    def token(self) -> Token:
        """Now, for a put whose inputs are read after this."""
        self._engine.ensure_started()
        return Token(self._engine.now())

    def warm(self, keys: Iterable[Key] | None = None) -> int:
        """Load the keys into this process's memory in one batch; how many there were.

        Without keys: what processes of this role used most in the last hour, in batches, bounded in
        number and time. Waits up to half a second for the proof of coherence: what is loaded before it
        is not kept.
        """
        self._engine.ensure_started()
        wanted = self._warmer.wanted() if keys is None else None
        if keys is None and not wanted:
            return 0
        self._engine.wait_for_proof(WARM_PATIENCE_S)
        if wanted:
            return self._warmer.load(wanted, self.get_many)
        return len(self._warmer.read(keys or (), self.get_many))

    def ageing(
        self,
        kinds: Iterable[Kind],
        *,
        least_uses: int = LEAST_USES,
        share: float = LAST_SHARE,
        most: int = MOST_LOOKED_AT,
    ) -> list[Ageing]:
        """Keys that any process reads often (`least_uses` in ten to twenty minutes) and that turn stale soon.

        Soon is within the last `share` of an entry's life. Nothing is read into memory by it or counted;
        empty while Redis is away.
        """
        self._engine.ensure_started()
        return self._ageing.find(kinds, least_uses=least_uses, share=share, most=most)

    def watched(
        self, kinds: Iterable[Kind], *, roles: Sequence[str] = LOOKED_AT, within_s: float = WITHIN_S
    ) -> tuple[Key, ...]:
        """Keys that processes of these roles read within the last `within_s`, the most read first.

        To ten minutes, and as of some seconds ago; empty while Redis is away.
        """
        self._engine.ensure_started()
        return self._watching.find(frozenset(kind.name for kind in kinds), roles, within_s)

    def subscribe(
        self, callback: Callable[[Change], None], kinds: Iterable[Kind] | None = None
    ) -> Callable[[], None]:
        """Have changes of these kinds, whoever made them, told on a thread; returns what ends it."""
        self._engine.ensure_started()
        return self._engine.subscribers.add(callback, kinds)

    def lock(self, name: str, ttl_s: float) -> RunLock:
        """Try to take a named lock over all processes, for `ttl_s` at most: look at `.held`, and release it.

        It is kept alive while its holder lives. While Redis is away it holds within this process,
        and `.known` is False.
        """
        self._engine.ensure_started()
        return self._engine.leases.take(f"lock:{name}", ttl_s, life_s=RUN_LOCK_LIFE_S)

    def claim(self, name: str, ttl_s: float) -> bool:
        """Whether the caller is the first of all processes to claim this name within `ttl_s` seconds.

        There is nothing to release. While Redis is away it is asked of this process alone.
        """
        self._engine.ensure_started()
        return self._engine.leases.claim(f"claim:{name}", ttl_s)

    def journal(self, name: str) -> Journal:
        """The journal of that name: what began, written down exactly once over all processes.

        It is in Redis alone, and answers None while that is away.
        """
        self._engine.ensure_started()
        return Journal(name, self._engine.far)

    def bucket(self, name: str) -> Bucket:
        """The bucket of this name, shared by all processes; it says None while Redis cannot decide."""
        self._engine.ensure_started()
        return Bucket(self._engine.far, name)

    def ttl(self, kind: Kind) -> float:
        """The lifetime of a kind in seconds, as configured."""
        return self.catalogue.lifetime(kind)

    def stats(self) -> dict[str, Any]:
        """Counters per kind and the state of the tiers, of this process."""
        return self._engine.facts()

    def stats_everywhere(self) -> dict[str, Any]:
        """The same over all processes, those that ended included, as of their last reports (every 5 s).

        `complete` is False when Redis could not be asked: then it is this process's alone.
        """
        self._engine.ensure_started()
        return self._engine.census.everywhere()

    def health(self) -> dict[str, str]:
        """One word per tier (up, degraded, down, absent) and one for coherence (proved, unproved, alone)."""
        self._engine.ensure_started()
        words = {"l1": "up" if self._memory.installed else "absent"}
        for tier in (self._engine.tiers.near, self._engine.tiers.far):
            words[tier.name] = _word([breaker.closed for breaker in tier.breakers()])
        return {**words, "coherence": self._engine.coherence}

    def close(self) -> None:
        """End the threads and let go of the connections."""
        self._engine.close()

    def _invalidate(self, keys: Sequence[Key], reason: Reason) -> Touched:
        self._engine.ensure_started()
        cascade = self._engine.invalidator.invalidate(keys, reason)
        if cascade.texts and not (self._engine.listening and cascade.announced):
            for texts, why in cascade.by_reason(reason):
                self._engine.subscribers.tell(texts, why, self._hub.highest)
        return Touched(cascade.texts, self.catalogue.kinds)


def _word(closed: list[bool]) -> str:
    if not closed:
        return "absent"
    if all(closed):
        return "up"
    return "degraded" if any(closed) else "down"
