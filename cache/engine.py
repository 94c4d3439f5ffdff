"""The parts of one cache in one process, put together, started when first needed, and remade after a fork."""

from __future__ import annotations

import os
import weakref
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from cache.census import Census
from cache.coherence import Listener, Subscribers
from cache.hit_list import HitList
from cache.hub import UNPROVED_LIFE_S, Hub
from cache.invalidating import Invalidator
from cache.keeper import Keeper
from cache.leases import Leases
from cache.local_order import LocalOrder
from cache.mending import Mender
from cache.outbox import Outbox
from cache.parts import Parts
from cache.preparing import Preparer
from cache.reading import Reader
from cache.single_flight import SingleFlight
from cache.stats import Stats
from cache.tiers.memcached import MemcachedTier
from cache.tiers.redis import RedisTier
from cache.writing import Writer

if TYPE_CHECKING:
    from collections.abc import Callable

    from cache.breaker import Breaker
    from cache.entry import Entry, PutResult
    from cache.graph import Catalogue
    from cache.keys import Key
    from cache.wiring import Tiers

    Coherence = Literal["alone", "proved", "unproved"]


class Engine:
    """Owns every collaborator. Threads and sockets begin in the process that first needs them."""

    def __init__(
        self,
        *,
        tiers: Tiers,
        clock: Callable[[], float],
        catalogue: Catalogue,
        usable_for: float,
        listening: bool,
        read: Callable[[Key], Entry | None],
        role: str | None,
    ) -> None:
        near, far = tiers.near, tiers.far
        self.tiers = tiers
        self.far = far if isinstance(far, RedisTier) else None
        self.listening = listening and self.far is not None
        self.clock = clock
        self.stats = Stats(catalogue.kinds)
        self.outbox = Outbox()
        self.mender = Mender()
        self.leases = Leases(self.far)
        self.subscribers = Subscribers(catalogue.kinds)
        if self.far is not None:
            self.far.keep_for_s = usable_for + catalogue.longest_life()
            self.far.gathering = catalogue.gathering
        self.hub = Hub(clock=clock, memory=tiers.memory, shared=near.installed or far.installed)
        self.local = LocalOrder(self.hub, gathering=catalogue.gathering)
        self.reader = Reader(
            memory=tiers.memory,
            near=near,
            far=far,
            hub=self.hub,
            outbox=self.outbox,
            stats=self.stats,
            clock=clock,
        )
        parts = Parts(near, far, self.hub, self.local, self.outbox, self.mender, self.stats, clock)
        preparer = Preparer(catalogue=catalogue, usable_for=usable_for, hub=self.hub)
        self.writer = Writer(parts=parts, preparer=preparer, reader=self.reader)
        self.invalidator = Invalidator(parts=parts, catalogue=catalogue, usable_for=usable_for)
        self.hits = None if self.far is None else HitList(self.far)
        self.census = Census(
            far=self.far,
            role=role,
            hits=self.hits,
            stats=self.stats,
            memory=tiers.memory,
            facts=self.facts,
            writer=lambda: self.hub.writer,
            clock=clock,
        )
        self.flights = SingleFlight(
            leases=self.leases, hub=self.hub, read=read, woken_by_messages=self.listening
        )
        self._kinds = tuple(catalogue.kinds)
        self._started = False
        self._starting = Lock()
        self._keeper: Keeper | None = None
        self._listener: Listener | None = None
        if hasattr(os, "register_at_fork"):
            me = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _forked(me))

    @property
    def breakers(self) -> tuple[Breaker, ...]:
        """Every breaker there is."""
        return (*self.tiers.near.breakers(), *self.tiers.far.breakers())

    @property
    def coherence(self) -> Coherence:
        """Whether this process provably hears of every change, or has nobody to hear."""
        if not (self.tiers.near.installed or self.tiers.far.installed):
            return "alone"
        return "proved" if self.clock() < self.hub.proved_until else "unproved"

    def ensure_started(self) -> None:
        """Begin to listen and to keep, once per process; cheap ever after."""
        if not self._started:
            self._start()

    def wait_for_proof(self, within_s: float) -> None:
        """Return once this process hears of every change, or after `within_s`, or when it never will."""
        self.ensure_started()
        if self._listener is not None and self.far is not None and self.far.breaker.closed:
            self.hub.first_proof.wait(within_s)

    def now(self) -> int:
        """The version of a token taken now: all that was invalidated before it is known here."""
        if self.far is None or not self.far.breaker.closed:
            return self.hub.highest
        if not self.hub.follows:
            snapshot = self.far.sync(heard=self.hub.known, seen=self.hub.highest, since=self.hub.known)
            if snapshot is None:
                return self.hub.highest
            self.hub.adopt(snapshot)
        return self.hub.known

    def announced(self, result: PutResult) -> bool:
        """Whether a message of this write comes back to this process's subscribers."""
        return self.listening and result.tiers["l3"] in {"stored", "skipped"}

    def facts(self) -> dict[str, Any]:
        """What `TieredCache.stats` gives."""
        memory, hub = self.tiers.memory, self.hub
        memory.count_hits()
        return {
            "kinds": self.stats.plain(),
            "read_from": self.stats.read_from(),
            "l1": {"entries": len(memory), "bytes": memory.weight, "evictions": memory.evictions},
            "breakers": {b.name: {"state": b.state, "openings": b.openings} for b in self.breakers},
            "coherence": self.coherence,
            "outbox": len(self.outbox),
            "fences": len(hub.floors),
            "generation": hub.generation,
            "version": hub.highest,
        }

    def close(self) -> None:
        """End the threads and let go of the connections."""
        with self._starting:
            self._started = True
            threads = (self._keeper, self._listener)
            was_running = self._keeper is not None
            self._keeper = self._listener = None
        for thread in threads:
            if thread is not None:
                thread.close()
        if was_running:
            self.census.report(ended=True)
        self.subscribers.close()
        self.tiers.near.close()
        self.tiers.far.close()

    def reopen(self) -> None:
        """Be a process of one's own: nothing of the parent's sockets, threads, locks or leases is used."""
        self.tiers.memory.clear()
        self.tiers.near.reopen()
        self.tiers.far.reopen()
        for part in (
            self.hub,
            self.outbox,
            self.mender,
            self.leases,
            self.subscribers,
            self.local,
            self.flights,
        ):
            part.reopen()
        for counting in (self.stats, self.census):
            counting.reopen()
        for breaker in self.breakers:
            breaker.reopen()
        self._started = False
        self._starting = Lock()
        self._keeper = None
        self._listener = None

    def _start(self) -> None:
        with self._starting:
            if self._started:
                return
            if self.far is not None and self.listening:
                self._listener = Listener(
                    far=self.far,
                    hub=self.hub,
                    subscribers=self.subscribers,
                    wake=self.flights.wake,
                    heard_put=self.mender.heard,
                    on_lost=self._suspect,
                )
            self._keeper = Keeper(
                near=self.tiers.near,
                far=self.tiers.far,
                hub=self.hub,
                outbox=self.outbox,
                leases=self.leases,
                listener=self._listener,
                census=self.census,
                mender=self.mender,
                kinds=self._kinds,
            )
            self._get_bearings()
            if self._listener is not None:
                self._listener.start()
            if self.tiers.near.installed or self.far is not None:
                self._keeper.start()
            self._started = True

    def _get_bearings(self) -> None:
        """Learn the fences and the generation before the first answer."""
        if self.far is None:
            self.hub.generation = 0
            return
        snapshot = self.far.sync(heard=self.hub.known, seen=self.hub.highest, since=0)
        if snapshot is not None:
            self.hub.adopt(snapshot)
            self.hub.fences_until = self.clock() + UNPROVED_LIFE_S
        elif isinstance(self.tiers.near, MemcachedTier):
            # Nobody says which invalidations there were: what Memcached holds is served, as stale.
            self.hub.generation, kinds = self.tiers.near.recall(self._kinds)
            self.hub.floors.raise_kinds(kinds)
            self.hub.floors.forget_below(self.hub.next_version())

    def _suspect(self, error: object) -> None:
        # A lost connection may mean that Redis was restarted with an older memory: the prober
        # asks it and settles with it before anything it says is believed.
        if self.far is not None:
            self.far.breaker.failed(error)


def _forked(me: weakref.ref[Engine]) -> None:
    engine = me()
    if engine is not None:
        engine.reopen()
