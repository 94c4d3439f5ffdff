"""The way of a read: L1, then L2, then L3, one round trip each, and what was found moves nearer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cache import envelope
from cache.stats import Counter
from cache.tiers.base import Sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cache.entry import Entry, Outcome
    from cache.hub import Hub
    from cache.keys import Key
    from cache.outbox import Outbox
    from cache.stats import Stats
    from cache.tiers.base import Authority, SharedMemory
    from cache.tiers.memory import MemoryTier

UNSETTLED_OR_REMOVED = envelope.UNSETTLED | envelope.REMOVED


class _Trip:
    """One batch under way: what is found, what is still wanted, and what there is as a last resort."""

    __slots__ = (
        "epoch", "fills", "found", "held", "max_age", "now", "outdated", "read", "unsettled", "wanted",
    )  # fmt: skip

    def __init__(self, now: float, epoch: object, max_age: float | None, wanted: list[Key]) -> None:
        self.now = now
        self.epoch = epoch
        self.max_age = max_age
        self.wanted = wanted
        self.found: dict[Key, Entry] = {}
        self.held: dict[Key, Entry] = {}
        self.read: list[tuple[Entry, int]] = []
        self.outdated: list[Key] = []
        self.unsettled: dict[Key, int] = {}
        self.fills: list[Sealed] = []

    def hold(self, entry: Entry) -> None:
        """Keep an entry that cannot be believed, if it is the newest of them."""
        other = self.held.get(entry.key)
        if other is None or other.version <= entry.version:
            self.held[entry.key] = entry

    def young(self, entry: Entry) -> bool:
        """Whether the caller accepts its age."""
        return self.max_age is None or self.now - entry.as_of <= self.max_age

    def accept(self, entry: Entry, size: int) -> None:
        """Serve an entry that was read from a tier; `size` in bytes."""
        self.found[entry.key] = entry if self.young(entry) else entry.stale_at(self.now)
        self.read.append((entry, size))


class Reader:
    """Reads batches. Never raises for a broken tier: what no tier can confirm is served as stale."""

    def __init__(
        self,
        *,
        memory: MemoryTier,
        near: SharedMemory,
        far: Authority,
        hub: Hub,
        outbox: Outbox,
        stats: Stats,
        clock: Callable[[], float],
    ) -> None:
        self._memory = memory
        self._near = near
        self._far = far
        self._hub = hub
        self._outbox = outbox
        self._stats = stats
        self._clock = clock

    def many(self, keys: Iterable[Key], max_age: float | None = None) -> dict[Key, Entry]:
        """The entries there are, fresh or stale; keys without any are missing."""
        trip = _Trip(self._clock(), self._hub.epoch, max_age, list(dict.fromkeys(keys)))
        if self._memory.installed:
            trip.wanted = [key for key in trip.wanted if not self._in_memory(key, trip)]
        doubtful: list[tuple[Entry, int]] = []
        if trip.wanted and self._near.installed and self._hub.generation is not None:
            doubtful = self._from_near(trip)
        if trip.wanted and self._far.installed and self._from_far(trip):
            doubtful = []
            self._replace_outdated(trip)
        # Redis could not be asked: what Memcached holds is the best knowledge there is.
        for entry, size in doubtful:
            if entry.key not in trip.found and entry.version >= self._hub.floors.at(entry.key.text):
                sure = trip.now >= self._hub.near_doubted_until
                trip.accept(entry if sure else entry.stale_at(trip.now), size)
        if trip.read:
            self._note(trip)
        if trip.wanted:
            self._last_resorts(trip)
        if trip.fills and self._hub.generation is not None:
            self._near.store(trip.fills, self._hub.generation, fill=True)
        return trip.found

    def _in_memory(self, key: Key, trip: _Trip) -> bool:
        """Take what L1 holds, if it may be believed."""
        record = self._memory.peek(key.text)
        if record is None:
            return False
        entry = record.entry
        believed = record.good_until and self._hub.believes(record.epoch, record.loaded_at, trip.now)
        if believed and trip.now < entry.usable_until and trip.young(entry):
            trip.found[key] = entry
            record.hits += 1
            if entry.fresh_until <= trip.now:
                record.counter.stale_served += 1
            return True
        trip.hold(entry)
        return False

    def _from_near(self, trip: _Trip) -> list[tuple[Entry, int]]:
        """Take what may be believed as it is; return the rest, to be confirmed or else made do with."""
        hub, now, name, clock = self._hub, trip.now, self._near.name, self._clock
        bodies = self._near.fetch(trip.wanted, hub.generation or 0)
        has_judge = self._far.installed
        sure = not has_judge or now < max(hub.fences_until, hub.proved_until)
        floors, judged = hub.floors, sure and has_judge
        # The usual entry is fresh, settled and above every floor: as few steps as can be for each of those.
        hurried = judged and trip.max_age is None and not floors.kinds
        least, newest = max(floors.least, floors.near), floors.newest.get
        found, read = trip.found, trip.read
        doubtful, wanted = [], []
        for key in trip.wanted:
            body = bodies.get(key)
            entry = None if body is None else envelope.opened(key, body, name, clock)
            if body is None or entry is None or now >= entry.usable_until:
                wanted.append(key)
                continue
            version = entry.version
            if (
                hurried
                and now < entry.fresh_until
                and version >= least
                and version >= newest(key.text, 0)
                and not body[1] & UNSETTLED_OR_REMOVED
            ):
                found[key] = entry
                read.append((entry, len(body)))
                continue
            plain = not body[1] & UNSETTLED_OR_REMOVED or not (has_judge or envelope.is_removal(body))
            current = plain and version >= floors.near and version >= floors.at(key.text)
            if current and sure and (not has_judge or (now < entry.fresh_until and trip.young(entry))):
                trip.accept(entry, len(body))
                continue
            wanted.append(key)
            if self._doubt(entry, body, trip, current=current):
                doubtful.append((entry, len(body)))
        trip.wanted = wanted
        return doubtful

    def _doubt(self, entry: Entry, body: bytes, trip: _Trip, *, current: bool) -> bool:
        """Hold what Memcached says until Redis was asked; False for a stone, which says that it is gone."""
        if envelope.is_removal(body):
            self._hub.floors.note((entry.key.text,), "remove", entry.version)
            return False
        if self._far.installed and envelope.is_unsettled(body):
            trip.unsettled[entry.key] = entry.version
        elif not current:
            trip.outdated.append(entry.key)
        trip.hold(entry)
        return True

    def _from_far(self, trip: _Trip) -> bool:
        """Take what Redis holds, for it is the truth; False when it could not be asked."""
        hub, now, name, clock = self._hub, trip.now, self._far.name, self._clock
        floors = hub.floors
        # Who may have missed a fence asks for them along with the entries.
        fenced = now >= hub.proved_until or floors.forgotten > 0
        # Looked up before: what Redis is told while it answers may not be in its answer.
        owed = self._outbox.owed
        bodies = self._far.fetch(trip.wanted, fenced=fenced)
        if bodies is None:
            return False
        for key in trip.wanted:
            body = bodies.get(key)
            entry = None if body is None else envelope.opened(key, body, name, clock)
            if body is None or entry is None or now >= entry.usable_until:
                continue
            if entry.version < floors.removal(key.text):
                continue
            if owed and entry.version < owed.get(key.text, 0):
                # We wrote a newer one, which Redis has not decided on: that one, if it is still at hand.
                trip.hold(entry)
                continue
            # Somebody may have written a newer one that Redis has not heard of yet: then this one is old.
            if entry.version < max(floors.fence(key.text), trip.unsettled.get(key, 0)):
                trip.accept(entry.stale_at(now), len(body))
                continue
            trip.accept(entry, len(body))
            if self._near.installed and now < entry.fresh_until:
                trip.fills.append(Sealed(key.text, body, entry.usable_until))
                counter = self._stats.of(key.kind.name)
                counter.promotions += 1
                counter.l2_bytes_written += len(body)
        return True

    def _replace_outdated(self, trip: _Trip) -> None:
        """What Redis knows better makes room in Memcached, for what is filled in there next."""
        known = [key.text for key in trip.outdated if key in trip.found]
        if known and self._hub.generation is not None:
            self._near.drop(known, self._hub.generation)

    def _note(self, trip: _Trip) -> None:
        """Count what was read, and remember it nearer, with the life that it has left."""
        near, now, remembers = self._near.name, trip.now, self._memory.installed
        kind, counter = None, Counter()
        for entry, size in trip.read:
            if entry.key.kind is not kind:
                kind = entry.key.kind
                counter = self._stats.of(kind.name)
            counter.read_from[entry.writer] += 1
            if entry.tier == near:
                counter.l2_hits += 1
                counter.l2_bytes_read += size
            else:
                counter.l3_hits += 1
                counter.l3_bytes_read += size
            if entry.fresh_until <= now:
                counter.stale_served += 1
            if remembers:
                self.remember(entry, size=size, epoch=trip.epoch, now=now)

    def remember(self, entry: Entry, *, size: int, epoch: object, now: float) -> Outcome:
        """Put an entry into L1 unless something newer is there or known of."""
        if not self._memory.installed:
            return "absent"
        text = entry.key.text
        there = self._memory.peek(text)
        if there is not None and there.entry.version > entry.version:
            return "skipped"
        record = self._memory.store(
            entry, size=size, epoch=epoch, now=now, counter=self._stats.of(entry.key.kind.name)
        )
        # Asked after storing: a change heard of in between finds either the record or this line.
        floors = self._hub.floors
        least = floors.at(text) if now < entry.fresh_until else floors.written(text)
        if record is not None and entry.version < least:
            self._memory.demote(text, least, gone=entry.version < floors.removal(text))
        return "skipped" if record is None else "stored"

    def _last_resorts(self, trip: _Trip) -> None:
        """Serve as stale what nobody could confirm, unless it is known to be removed."""
        for key in trip.wanted:
            if key in trip.found:
                continue
            entry = trip.held.get(key)
            counter = self._stats.of(key.kind.name)
            removed = self._hub.floors.removal(key.text)
            if entry is None or trip.now >= entry.usable_until or entry.version < removed:
                counter.misses += 1
                continue
            counter.unconfirmed += 1
            counter.stale_served += 1
            trip.found[key] = entry.stale_at(trip.now)
