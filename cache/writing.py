"""The way of a write: L3 decides and stores, then L2, then L1; while L3 is away, this process decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cache import envelope
from cache.entry import Entry, Put, PutResult
from cache.preparing import in_parts
from cache.tiers.base import Sealed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cache.entry import Outcome
    from cache.parts import Parts
    from cache.preparing import Preparer
    from cache.reading import Reader
    from cache.stats import Counter
    from cache.tiers.base import Commit, Item, Verdict


class _Landing(NamedTuple):
    """What the shared tiers said of a batch, and the epoch in which it was begun."""

    commit: Commit
    far: Outcome
    near: dict[str, Outcome]
    epoch: object


class Writer:
    """Writes batches. Raises NotCacheable for a bad value, never for a broken tier."""

    def __init__(self, *, parts: Parts, preparer: Preparer, reader: Reader) -> None:
        self._preparer = preparer
        self._reader = reader
        self._near = parts.near
        self._far = parts.far
        self._hub = parts.hub
        self._local = parts.local
        self._outbox = parts.outbox
        self._mender = parts.mender
        self._stats = parts.stats
        self._clock = parts.clock

    def put_many(self, puts: Sequence[Put]) -> list[PutResult]:
        """Store a batch, one round trip per tier; results in the order given."""
        if not puts:
            return []
        epoch, now = self._hub.epoch, self._clock()
        named = {one for put in puts for one in put.inputs if not isinstance(one, Entry)}
        read = self._reader.many(named) if named else {}
        items = [self._preparer.prepared(put, read, now) for put in puts]
        results: list[PutResult] = []
        for part in in_parts(items):
            commit, far_says = self._commit(part)
            near_says = self._store_near(part, commit, unsettled=far_says == "failed")
            results += self._landed(part, _Landing(commit, far_says, near_says, epoch))
        return results

    def _commit(self, items: Sequence[Item]) -> tuple[Commit, Outcome]:
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
        decided = list(zip(items, commit.verdicts, strict=True))
        kept = [item for item, verdict in decided if verdict != "skipped"]
        stale = {
            item.key.text
            for item, verdict in decided
            if verdict == "stale" or item.fresh_until <= item.stored_at
        }
        self._outbox.put(kept, commit.version, stale=stale)
        return commit, "failed"

    def _store_near(self, items: Sequence[Item], commit: Commit, *, unsettled: bool) -> dict[str, Outcome]:
        if not self._near.installed:
            return {}
        if self._hub.generation is None:
            return dict.fromkeys((item.key.text for item in items), "failed")
        version = commit.version
        sealed = [
            Sealed(
                item.key.text,
                envelope.sealed(
                    item.rest,
                    version,
                    compressed=item.compressed,
                    expired=verdict == "stale",
                    unsettled=unsettled,
                ),
                item.usable_until,
            )
            for item, verdict in zip(items, commit.verdicts, strict=True)
            if verdict != "skipped"
        ]
        if not sealed:
            return {}
        texts = [one.text for one in sealed]
        self._mender.watch(texts, version)
        outcomes = self._near.store(sealed, self._hub.generation, fill=False)
        # Memcached keeps whatever comes last. A newer write that is known by now may have been first.
        written = self._hub.floors.written
        late = [text for text in texts if written(text) > version]
        if late:
            self._mender.owe(late, version + 1)
        return outcomes

    def _landed(self, items: Sequence[Item], landing: _Landing) -> list[PutResult]:
        """Put what was decided into L1, count it, and say what came of it."""
        commit, far, near, epoch = landing
        verdicts = commit.verdicts
        stored = [item.key.text for item, said in zip(items, verdicts, strict=True) if said != "skipped"]
        self._hub.floors.note(stored, "put", commit.version)
        else_near: Outcome = "skipped" if self._near.installed else "absent"
        results = []
        for item, verdict in zip(items, verdicts, strict=True):
            key = item.key
            near_says = near.get(key.text, else_near)
            entry = item.entry(
                commit.version,
                expired=verdict in {"stale", "skipped"},
                clock=self._clock,
                writer=self._hub.writer,
            )
            kept: Outcome = "skipped"
            far_says: Outcome = far if verdict in {"fresh", "stale"} or far != "stored" else "skipped"
            if verdict != "skipped":
                size = len(item.rest)
                kept = self._reader.remember(entry, size=size, epoch=epoch, now=item.stored_at)
                _count(self._stats.of(key.kind.name), size, verdict, far, near_says, entry)
            tiers = {"l1": kept, "l2": near_says, "l3": far_says}
            born_stale = verdict == "skipped" or entry.fresh_until <= item.stored_at
            results.append(PutResult(key, commit.version, tiers, born_stale, entry))
        return results


def _count(counter: Counter, size: int, verdict: Verdict, far: Outcome, near: Outcome, entry: Entry) -> None:
    counter.puts += 1
    counter.bytes_written += size
    if near == "stored":
        counter.l2_bytes_written += size
    elif near == "failed":
        counter.failed_writes += 1
    elif near == "skipped":
        counter.skipped_too_large += 1
    if verdict == "too_large":
        counter.skipped_too_large += 1
    elif far == "stored":
        counter.l3_bytes_written += size
    if far == "failed":
        counter.failed_writes += 1
    if entry.fresh_until <= entry.stored_at:
        counter.born_stale += 1
