"""Expires and removes: Redis knows what is derived from what; while it is away, this process makes do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cache import envelope
from cache.tiers.base import Cascade, Sealed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cache.entry import Reason
    from cache.graph import Catalogue
    from cache.keys import Key
    from cache.parts import Parts

# Versions that a process gives are the microseconds of its clock.
HEARD_OF_WITHIN_US = 600_000


class Invalidator:
    """Never raises for a broken tier."""

    def __init__(self, *, parts: Parts, catalogue: Catalogue, usable_for: float) -> None:
        self._catalogue = catalogue
        self._usable_for = usable_for
        self._near = parts.near
        self._far = parts.far
        self._hub = parts.hub
        self._local = parts.local
        self._outbox = parts.outbox
        self._mender = parts.mender
        self._stats = parts.stats
        self._clock = parts.clock

    def invalidate(self, keys: Sequence[Key], reason: Reason) -> Cascade:
        """Expire or remove the keys and all that is derived from them; what was touched."""
        hub = self._hub
        if not keys:
            return Cascade(hub.highest, hub.highest, ())
        texts = [key.text for key in keys]
        cascade = None
        if self._far.installed:
            cascade = self._far.invalidate(texts, reason, heard=hub.known, seen=hub.highest)
        if cascade is None:
            cascade = self._alone(texts, reason)
        elif reason == "remove" and hub.generation is not None:
            # What was only expired goes as well: it is found in Redis.
            self._near.drop(cascade.texts, hub.generation)
        elif self._near.installed:
            # For those who have lost touch with Redis and did not hear of it; so it may wait a moment.
            self._mender.owe(cascade.texts, cascade.version)
        for some, why in cascade.by_reason(reason):
            hub.apply(some, why, cascade.version)
            self._stats.invalidated(some, why)
        hub.advance(cascade.previous, cascade.version, invalidation=True)
        return cascade

    def _alone(self, texts: Sequence[str], reason: Reason) -> Cascade:
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
