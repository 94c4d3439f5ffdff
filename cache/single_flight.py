"""One computation for all who ask for the same cold key, over threads and over processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event, Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cache.entry import Entry
    from cache.hub import Hub
    from cache.keys import Key
    from cache.leases import Leases

LEASE_S = 0.8
MARGIN_S = 0.02
# Without messages nobody wakes a waiter, so it looks for itself.
UNWOKEN_LOOK_S = 0.1


@dataclass(slots=True)
class _Flight:
    """One computation under way in this process."""

    woken: Event = field(default_factory=Event)
    landed: Event = field(default_factory=Event)
    entry: Entry | None = None
    error: BaseException | None = None


class SingleFlight:
    """The first thread of a process leads; the leaders of all processes contend for one lease."""

    def __init__(
        self, *, leases: Leases, hub: Hub, read: Callable[[Key], Entry | None], woken_by_messages: bool
    ) -> None:
        self._patience_s = LEASE_S + MARGIN_S if woken_by_messages else UNWOKEN_LOOK_S
        self._leases = leases
        self._hub = hub
        self._read = read
        self.reopen()

    def reopen(self) -> None:
        """A fork has no flights: their threads stayed behind."""
        self._flights: dict[str, _Flight] = {}
        self._lock = Lock()

    def wake(self, texts: Iterable[str]) -> None:
        """Somebody stored these keys or gave up on them."""
        if not self._flights:
            return
        for text in texts:
            flight = self._flights.get(text)
            if flight is not None:
                flight.woken.set()

    def fly(self, key: Key, compute: Callable[[], Entry]) -> Entry:
        """The entry, computed by one of all who ask; raises what `compute` raised."""
        with self._lock:
            flight = self._flights.get(key.text)
            leading = flight is None
            if flight is None:
                flight = self._flights[key.text] = _Flight()
        if leading:
            self._lead(key, compute, flight)
        flight.landed.wait()
        if flight.error is not None:
            raise flight.error
        if flight.entry is None:
            raise RuntimeError(f"no computation of {key} came to an end")
        return flight.entry

    def _lead(self, key: Key, compute: Callable[[], Entry], flight: _Flight) -> None:
        try:
            flight.entry = self._over_processes(key, compute, flight)
        except BaseException as error:
            flight.error = error
            raise
        finally:
            with self._lock:
                self._flights.pop(key.text, None)
            flight.landed.set()

    def _over_processes(self, key: Key, compute: Callable[[], Entry], flight: _Flight) -> Entry:
        since = self._hub.highest
        while True:
            flight.woken.clear()
            lease = self._leases.take(f"flight:{key.text}", LEASE_S, beating=True, announce=key.text)
            with lease:
                if lease.held or lease.held_for_s is None:
                    entry = self._landed(key, since) if lease.held else None
                    return compute() if entry is None else entry
            # Woken by the message of the write, or of the lease's end; else the holder has died.
            flight.woken.wait(min(self._patience_s, lease.held_for_s + MARGIN_S))
            entry = self._landed(key, since)
            if entry is not None:
                return entry

    def _landed(self, key: Key, since: int) -> Entry | None:
        """What another process stored while we waited, even if it was born stale."""
        entry = self._read(key)
        if entry is not None and (entry.state == "fresh" or entry.version > since):
            return entry
        return None
