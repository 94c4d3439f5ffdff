"""The way of a read: L1, then L2, then L3, one round trip each, and what was found moves nearer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cache import envelope
from cache.tiers.base import Sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cache.entry import Entry, Outcome
    from cache.hub import Hub
    from cache.keys import Key
    from cache.stats import Stats
    from cache.tiers.base import Authority, SharedMemory
    from cache.tiers.memory import MemoryTier


@dataclass(slots=True)
class _Trip:
    """One batch under way: what is found, what is still wanted, and what there is as a last resort."""

    now: float
    epoch: object
    max_age: float | None
    found: dict[Key, Entry] = field(default_factory=dict)
    wanted: list[Key] = field(default_factory=list)
    held: dict[Key, Entry] = field(default_factory=dict)
    sizes: dict[Key, int] = field(default_factory=dict)
    fills: list[Sealed] = field(default_factory=list)

    def hold(self, entry: Entry) -> None:
        """Keep an entry that cannot be believed, if it is the newest of them."""
        other = self.held.get(entry.key)
        if other is None or other.version <= entry.version:
            self.held[entry.key] = entry

    def young(self, entry: Entry) -> bool:
        """Whether the caller accepts its age."""
        return self.max_age is None or self.now - entry.as_of <= self.max_age


class Reader:
    """Reads batches. Never raises for a broken tier: what no tier can confirm is served as stale."""

    def __init__(
        self,
        *,
        memory: MemoryTier,
        near: SharedMemory,
        far: Authority,
        hub: Hub,
        stats: Stats,
        clock: Callable[[], float],
    ) -> None:
        self._memory = memory
        self._near = near
        self._far = far
        self._hub = hub
        self._stats = stats
        self._clock = clock

    def many(self, keys: Iterable[Key], max_age: float | None = None) -> dict[Key, Entry]:
        """The entries there are, fresh or stale; keys without any are missing."""
        trip = _Trip(self._clock(), self._hub.epoch, max_age)
        for key in dict.fromkeys(keys):
            self._from_memory(key, trip)
        near_says: list[Entry] = []
        if trip.wanted and self._near.installed and self._hub.generation is not None:
            near_says = self._from_near(trip)
        if trip.wanted and self._far.installed and self._from_far(trip):
            near_says = []
        # Redis could not be asked: what Memcached holds is the best knowledge there is.
        for entry in near_says:
            if entry.key not in trip.found and entry.version >= self._hub.floors.at(entry.key.text):
                self._accept(entry, trip)
        self._last_resorts(trip)
        if trip.fills and self._hub.generation is not None:
            self._near.store(trip.fills, self._hub.generation, fill=True)
        return trip.found

    def _from_memory(self, key: Key, trip: _Trip) -> None:
        record = self._memory.peek(key.text)
        if record is None:
            trip.wanted.append(key)
            return
        entry = record.entry
        believed = record.good_until and self._hub.believes(record.epoch, record.loaded_at, trip.now)
        if believed and trip.now < entry.usable_until and trip.young(entry):
            trip.found[key] = entry
            record.counter.l1_hits += 1
            if entry.fresh_until <= trip.now:
                record.counter.stale_served += 1
            return
        trip.hold(entry)
        trip.wanted.append(key)

    def _from_near(self, trip: _Trip) -> list[Entry]:
        """Take what may be believed as it is; return the rest, to be confirmed or else made do with."""
        generation = self._hub.generation or 0
        bodies = self._near.fetch([key.text for key in trip.wanted], generation)
        sure = not self._far.installed or trip.now < max(self._hub.fences_until, self._hub.proved_until)
        doubtful = []
        for entry in self._opened(bodies, trip, self._near.name):
            current = entry.version >= self._hub.floors.at(entry.key.text)
            fresh = trip.now < entry.fresh_until and trip.young(entry)
            if envelope.is_removal(bodies[entry.key.text]):
                self._hub.floors.note((entry.key.text,), "remove", entry.version)
            elif current and sure and (fresh or not self._far.installed):
                self._accept(entry, trip)
            else:
                trip.hold(entry)
                doubtful.append(entry)
        trip.wanted = [key for key in trip.wanted if key not in trip.found]
        return doubtful

    def _from_far(self, trip: _Trip) -> bool:
        """Take what Redis holds, for it is the truth; False when it could not be asked."""
        bodies = self._far.fetch([key.text for key in trip.wanted])
        if bodies is None:
            return False
        for entry in self._opened(bodies, trip, self._far.name):
            text = entry.key.text
            known = max(self._hub.floors.shared, self._hub.floors.fence(text))
            if entry.version < known:
                self._accept(entry.stale_at(trip.now), trip)
                continue
            self._accept(entry, trip)
            if self._near.installed and trip.now < entry.fresh_until:
                trip.fills.append(Sealed(text, bodies[text], entry.usable_until))
                self._stats.of(entry.key.kind.name).promotions += 1
        return True

    def _opened(self, bodies: dict[str, bytes], trip: _Trip, tier: str) -> list[Entry]:
        entries = []
        for key in trip.wanted:
            body = bodies.get(key.text)
            entry = None if body is None else envelope.opened(key, body, tier=tier, clock=self._clock)
            if body is not None and entry is not None and trip.now < entry.usable_until:
                trip.sizes[key] = len(body)
                entries.append(entry)
        return entries

    def _accept(self, entry: Entry, trip: _Trip) -> None:
        """Serve an entry and remember it nearer, with the life that it has left."""
        trip.found[entry.key] = entry if trip.young(entry) else entry.stale_at(trip.now)
        counter = self._stats.of(entry.key.kind.name)
        if entry.tier == self._near.name:
            counter.l2_hits += 1
        else:
            counter.l3_hits += 1
        if entry.fresh_until <= trip.now:
            counter.stale_served += 1
        self.remember(entry, size=trip.sizes[entry.key], epoch=trip.epoch, now=trip.now)

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
        if record is not None and entry.version < floors.at(text) and now < entry.fresh_until:
            self._memory.demote(text, floors.at(text), gone=entry.version < floors.removal(text))
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
            counter.stale_served += 1
            trip.found[key] = entry.stale_at(trip.now)
