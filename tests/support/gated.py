"""Caches as processes of their own would have them, whose calls stop at every tier that they touch."""

from __future__ import annotations

import math
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from cache.mending import Mender
from tests.support.steps import Touch, gate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cache import TieredCache

ARRIVES_WITHIN_S = 30.0


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        """Now."""
        return self.now


class Ears:
    """Keeps what a cache's listener receives until it is told to listen."""

    def __init__(self, listener: Any) -> None:
        self._hear, listener._hear = listener._hear, self._receive
        self._messages: deque[bytes] = deque()
        self._arrived = 0
        self._news = threading.Condition(threading.RLock())
        self._holding = False

    def listen(self, version: int) -> None:
        """Hear everything up to this version, in the order in which it was said; keep what comes later."""
        with self._news:
            if not self._news.wait_for(lambda: self._arrived >= version, ARRIVES_WITHIN_S):
                raise AssertionError(f"message {version} never came; the last was {self._arrived}")
            while self._messages:
                self._hear(self._messages.popleft())
            self._holding = True

    def _receive(self, body: bytes) -> None:
        with self._news:
            self._arrived = max(self._arrived, msgspec.msgpack.decode(body)[1])
            if self._holding:
                self._messages.append(body)
            else:
                self._hear(body)
            self._news.notify_all()


class Process:
    """One cache, as a process of its own would have it, with gates at its tiers.

    With `away` it finds Redis gone and decides the order itself, until it is `back`. With `threads` its
    actors are threads that share everything, so no orders can be left out: gates are at the writes alone.
    """

    def __init__(self, name: str, cache: TieredCache, *, away: bool = False, threads: bool = False) -> None:
        self.name = name
        self.cache = cache
        cache.token()
        self.engine = engine = cache._engine
        self.ears = None if engine._listener is None else Ears(engine._listener)
        # What the keeper does of itself from time to time happens in steps of its own instead.
        engine._keeper._canary_at = math.inf if self.ears is None else 0.0
        if engine._keeper._care is not None:
            engine._keeper._care._mender = Mender()
        if away:
            self.away()
        if threads:
            for tier, methods in (
                (engine.tiers.memory, ("store",)),
                (engine.tiers.near, ("store",)),
                (engine.local, ("commit", "invalidate")),
            ):
                for method in methods if getattr(tier, "installed", True) else ():
                    gate(tier, method, Touch(name))
            return
        here = Touch(name)
        self._gate(engine.tiers.memory, here, reads=(), writes=("store",))
        self._gate(engine.tiers.near, here, reads=("fetch",), writes=("store", "drop"))
        if away or engine.far is None:
            self._gate(engine.local, here, reads=(), writes=("commit", "invalidate"))
        else:
            self._gate(engine.far, here, reads=("fetch", "sync"), writes=("commit", "invalidate"))

    def hear(self, version: int) -> None:
        """Hear all messages up to this version, or learn the fences where there are no messages."""
        if self.ears is not None:
            self.ears.listen(version)
        elif self.engine.far is not None:
            self.engine._keeper._stay_informed()

    def mend(self) -> None:
        """Mark in Memcached what this process knows to be old there."""
        if self.engine.tiers.near.installed and self.engine.hub.generation is not None:
            self.engine.mender.mend(self.engine.tiers.near, self.engine.hub.generation)

    def away(self) -> None:
        """Lose Redis: no call reaches it, and no probe succeeds."""
        self.engine.far.breaker.probe = lambda: False
        self.engine.far.breaker.failed("away")

    def back(self) -> None:
        """Let the next probe find it again."""
        self.engine.far.breaker.probe = self.engine._keeper.recover_far

    def _gate(self, tier: Any, here: Touch, *, reads: Iterable[str], writes: Iterable[str]) -> None:
        if not getattr(tier, "installed", True):
            return
        shared = "" if tier in (self.engine.tiers.memory, self.engine.local) else tier.name
        for method in reads:
            gate(tier, method, Touch(here.process, shared), after=here)
        for method in writes:
            gate(tier, method, Touch(here.process, shared, writes=True), after=here if shared else None)
