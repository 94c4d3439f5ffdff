"""The way of a write: L3 decides and stores, then L2, then L1; while L3 is away, this process decides."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cache import codec, envelope
from cache.entry import Entry, Put, PutResult
from cache.tiers.base import Cascade, Item, Sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cache.entry import Outcome, Reason
    from cache.graph import Catalogue
    from cache.hub import Hub
    from cache.keys import Key
    from cache.local_order import LocalOrder
    from cache.mending import Mender
    from cache.outbox import Outbox
    from cache.reading import Reader
    from cache.stats import Stats
    from cache.tiers.base import Authority, Commit, SharedMemory, Verdict


# Redis serves nobody else while it stores a batch, so a batch of many megabytes goes in parts.
MOST_BYTES_AT_ONCE = 4 * 1024 * 1024
# Versions that a process gives are the microseconds of its clock.
HEARD_OF_WITHIN_US = 600_000


class Writer:
    """Writes and invalidates batches. Raises NotCacheable for a bad value, never for a broken tier."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        usable_for: float,
        near: SharedMemory,
        far: Authority,
        hub: Hub,
        local: LocalOrder,
        outbox: Outbox,
        reader: Reader,
        mender: Mender,
        stats: Stats,
        clock: Callable[[], float],
    ) -> None:
        self._catalogue = catalogue
        self._usable_for = usable_for
        self._near = near
        self._far = far
        self._hub = hub
        self._local = local
        self._outbox = outbox
        self._reader = reader
        self._mender = mender
        self._stats = stats
        self._clock = clock

    def put_many(self, puts: Sequence[Put]) -> list[PutResult]:
        """Store a batch, one round trip per tier; results in the order given."""
        if not puts:
            return []
        epoch, now = self._hub.epoch, self._clock()
        read = self._reader.many({one for put in puts for one in put.inputs if not isinstance(one, Entry)})
        entries, items = [], []
        for put in puts:
            entry, item = self._prepared(put, read, now)
            entries.append(entry)
            items.append(item)
        results: list[PutResult] = []
        for part in _parts(items):
            commit, far_says = self._commit(items[part])
            near_says = self._store_near(items[part], commit, unsettled=far_says == "failed")
            results += (
                self._settled(entry, item, verdict, commit.version, far=far_says, near=near_says, epoch=epoch)
                for entry, item, verdict in zip(entries[part], items[part], commit.verdicts, strict=True)
            )
        return results

    def invalidate(self, keys: Sequence[Key], reason: Reason) -> Cascade:
        """Expire or remove the keys and all that is derived from them; what was touched."""
        if not keys:
            return Cascade(self._hub.highest, self._hub.highest, ())
        texts = [key.text for key in keys]
        cascade = None
        if self._far.installed:
            cascade = self._far.invalidate(texts, reason, heard=self._hub.known, seen=self._hub.highest)
        if cascade is None:
            cascade = self._invalidate_alone(texts, reason)
        elif reason == "remove" and self._hub.generation is not None:
            # What was only expired goes as well: it is found in Redis.
            self._near.drop(cascade.texts, self._hub.generation)
        elif self._near.installed:
            # For those who have lost touch with Redis and did not hear of it; so it may wait a moment.
            self._mender.owe(cascade.texts, cascade.version)
        for some, why in cascade.by_reason(reason):
            self._hub.apply(some, why, cascade.version)
            self._stats.invalidated(some, why)
        self._hub.advance(cascade.previous, cascade.version, invalidation=True)
        return cascade

    def _invalidate_alone(self, texts: Sequence[str], reason: Reason) -> Cascade:
        """A Redis that cannot be asked what is derived from the keys: all that may be is doubted."""
        cascade = self._local.invalidate(texts, reason)
        if self._far.installed:
            self._outbox.invalidate(texts, reason, cascade.version)
        for some, why in cascade.by_reason(reason):
            self._mark_near(some, why, cascade.version)
        kinds = self._catalogue.derived_from_any({text.partition("|")[0] for text in texts})
        if kinds and self._far.installed:
            # Others hear of it within that time, and may make new ones from the old value until then.
            floors = dict.fromkeys(kinds, cascade.version + HEARD_OF_WITHIN_US)
            self._hub.doubt_kinds(floors)
            self._near.post(kinds=floors)
        return cascade

    def _prepared(self, put: Put, read: dict[Key, Entry], now: float) -> tuple[Entry, Item]:
        key, kind = put.key, put.key.kind
        known = [one if isinstance(one, Entry) else read.get(one) for one in put.inputs]
        inputs = [entry for entry in known if entry is not None]
        as_of = put.as_of if put.as_of is not None else min((entry.as_of for entry in inputs), default=now)
        natural = kind.fresh_until(
            as_of=as_of, now=now, ttl=self._catalogue.lifetime(kind), params=key.params
        )
        fresh_until = min((entry.fresh_until for entry in inputs), default=math.inf)
        fresh_until = min(natural, fresh_until)
        usable_until = max(natural, now) + self._usable_for
        packed = codec.pack(put.value)
        value = codec.unpack(packed[0], compressed=packed[1])
        token = None if put.token is None else put.token.version
        read_at = token if token is not None else self._hub.known
        item = Item(
            key=key,
            draft=envelope.draft(
                key, packed, (as_of, now, fresh_until, usable_until), writer=self._hub.writer
            ),
            fresh_until=fresh_until,
            usable_until=usable_until,
            usable_for=usable_until - now,
            token=token,
            inputs=tuple(
                (one.key.text, one.version) if isinstance(one, Entry) else (one.text, read_at)
                for one in put.inputs
            ),
        )
        return Entry(
            key, value, as_of, now, fresh_until, usable_until, 0, "l1", self._clock, self._hub.writer
        ), item

    def _commit(self, items: list[Item]) -> tuple[Commit, Outcome]:
        for item in items:
            if item.inputs:
                self._local.dependents.link(item.key.text, item.inputs)
        if not self._far.installed:
            return self._local.commit(items), "absent"
        commit = self._far.commit(items, heard=self._hub.known, seen=self._hub.highest)
        if commit is not None:
            self._hub.advance(commit.previous, commit.version)
            return commit, "stored"
        commit = self._local.commit(items)
        kept = [item for item, verdict in zip(items, commit.verdicts, strict=True) if verdict != "skipped"]
        self._outbox.put(kept, commit.version)
        return commit, "failed"

    def _store_near(self, items: list[Item], commit: Commit, *, unsettled: bool) -> dict[str, Outcome]:
        if not self._near.installed:
            return {}
        if self._hub.generation is None:
            return dict.fromkeys((item.key.text for item in items), "failed")
        sealed = [
            Sealed(
                item.key.text,
                item.draft.sealed(commit.version, expired=verdict == "stale", unsettled=unsettled),
                item.usable_until,
            )
            for item, verdict in zip(items, commit.verdicts, strict=True)
            if verdict != "skipped"
        ]
        if not sealed:
            return {}
        texts = [one.text for one in sealed]
        self._mender.watch(texts, commit.version)
        outcomes = self._near.store(sealed, self._hub.generation, fill=False)
        # Memcached keeps whatever comes last. A newer write that is known by now may have been first.
        written = self._hub.floors.written
        self._mender.owe((text for text in texts if written(text) > commit.version), commit.version + 1)
        return outcomes

    def _settled(
        self,
        entry: Entry,
        item: Item,
        verdict: Verdict,
        version: int,
        *,
        far: Outcome,
        near: dict[str, Outcome],
        epoch: object,
    ) -> PutResult:
        """Put one decided item into L1, count it, and say what came of it."""
        key, now = entry.key, entry.stored_at
        counter = self._stats.of(key.kind.name)
        entry = envelope.numbered(entry, version, expired=verdict in {"stale", "skipped"})
        near_says = near.get(key.text, "skipped" if self._near.installed else "absent")
        born_stale = entry.fresh_until <= now
        if verdict == "skipped":
            outcomes: dict[str, Outcome] = {
                "l1": "skipped",
                "l2": near_says,
                "l3": "skipped" if far == "stored" else far,
            }
            return PutResult(key, version, outcomes, born_stale=True, entry=entry)
        self._hub.floors.note((key.text,), "put", version)
        size = len(item.draft.rest)
        kept = self._reader.remember(entry, size=size, epoch=epoch, now=now)
        counter.puts += 1
        counter.bytes_written += size
        counter.l2_bytes_written += size if near_says == "stored" else 0
        counter.l3_bytes_written += size if far == "stored" and verdict != "too_large" else 0
        counter.born_stale += born_stale
        counter.failed_writes += (far == "failed") + (near_says == "failed")
        far_says: Outcome = "skipped" if verdict == "too_large" else far
        counter.skipped_too_large += (verdict == "too_large") + (near_says == "skipped")
        tiers: dict[str, Outcome] = {"l1": kept, "l2": near_says, "l3": far_says}
        return PutResult(key, version, tiers, born_stale=born_stale, entry=entry)

    def _mark_near(self, texts: Sequence[str], reason: Reason, version: int) -> None:
        """Without Redis the word of an invalidation travels in Memcached itself, in the entries' place."""
        generation = self._hub.generation
        if generation is None or not self._near.installed:
            return
        bodies = self._near.fetch(texts, generation)
        if not all(breaker.closed for breaker in self._near.breakers()):
            # What could not be marked is deleted, on a broken server as soon as it is back.
            self._near.drop(texts, generation)
        usable_until = self._clock() + self._usable_for
        marked = [
            Sealed(
                text,
                envelope.removal(text, version)
                if reason == "remove"
                else envelope.marked_expired(bodies[text]),
                usable_until,
            )
            for text in texts
            if reason == "remove" or text in bodies
        ]
        if marked:
            self._near.store(marked, generation, fill=False)


def _parts(items: Sequence[Item]) -> Iterator[slice]:
    """The batch in runs of a few megabytes each; nearly always one."""
    start, size = 0, 0
    for at, item in enumerate(items):
        size += len(item.draft.rest)
        if size > MOST_BYTES_AT_ONCE and at > start:
            yield slice(start, at)
            start, size = at, len(item.draft.rest)
    yield slice(start, len(items))
