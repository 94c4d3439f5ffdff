"""The one background thread of a process: probes broken tiers, settles what they missed, sends the canary."""

from __future__ import annotations

import time
from itertools import groupby
from threading import Event, Thread
from typing import TYPE_CHECKING

import structlog

from cache.hub import UNPROVED_LIFE_S
from cache.leases import BEAT_S
from cache.near_care import NearCare
from cache.tiers.memcached import MemcachedTier
from cache.tiers.redis import RedisTier

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from cache.census import Census
    from cache.coherence import Listener
    from cache.entry import Reason
    from cache.hub import Hub
    from cache.leases import Leases
    from cache.mending import Mender
    from cache.outbox import Outbox
    from cache.tiers.base import Abandon, Authority, Item, SharedMemory, Snapshot
    from cache.tiers.memcached_node import MemcachedNode

CANARY_S = 0.4
SETTLE_AT_ONCE = 200
# Whoever writes on while it is being settled keeps Redis waiting no longer than that; see Outbox.owed.
MOST_ROUNDS = 3
# By then all processes have found Redis again and told it what they did without it.
SETTLED_BY_ALL_S = 1.2
# A prober finds a tier again within half a second, and leaves word; who looks for it does so as often.
WORD_IS_LEFT_WITHIN_S = 1.2

log = structlog.get_logger(__name__)


class Keeper:
    """Ticks until closed. Nothing that it does costs a caller anything."""

    def __init__(
        self,
        *,
        near: SharedMemory,
        far: Authority,
        hub: Hub,
        outbox: Outbox,
        leases: Leases,
        listener: Listener | None,
        census: Census,
        mender: Mender,
        kinds: Collection[str],
    ) -> None:
        self._near = near if isinstance(near, MemcachedTier) else None
        self._far = far if isinstance(far, RedisTier) else None
        self._hub = hub
        self._outbox = outbox
        self._leases = leases
        self._listener = listener
        self._census = census
        self._breakers = (*near.breakers(), *far.breakers())
        self._nudge = Event()
        self._closing = Event()
        self._canary_at = 0.0
        self._alone_at = 0.0
        self._care: NearCare | None = None
        if self._near is not None:
            self._care = NearCare(
                near=self._near,
                hub=hub,
                mender=mender,
                outbox=outbox,
                kinds=kinds,
                raise_generation=self._raise_generation,
            )
        self._thread = Thread(target=self._run, name="cache-keeper", daemon=True)
        for breaker in self._breakers:
            breaker.on_open = self._nudge.set
        if self._far is not None:
            self._far.breaker.probe = self.recover_far
        for node in self._near.nodes if self._near is not None else ():
            node.breaker.probe = self._recovery_of(node)

    def start(self) -> None:
        """Begin, in the background."""
        self._thread.start()

    def close(self) -> None:
        """Stop; returns when the thread has ended."""
        self._closing.set()
        self._nudge.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)

    def recover_far(self) -> bool:
        """Settle everything that Redis missed; only then is it believed."""
        snapshot = self._sync(probing=True)
        if snapshot is None:
            return False
        self._adopt(snapshot)
        well = self._make_up_for_overflow() and self._settle_all()
        # What L1 took from Memcached meanwhile, Redis may have decided otherwise.
        self._hub.abandon()
        return well

    def _settle_all(self) -> bool:
        """Settle what came meanwhile as well; False when Redis does not take it, or is slow."""
        for _ in range(MOST_ROUNDS):
            # What answers the patient only would cost every caller its budget, over and over.
            if self._far is None or not (self.settle(probing=True) and self._far.answers_quickly()):
                return False
            if not len(self._outbox):
                break
        return True

    def settle(self, *, probing: bool = False) -> bool:
        """Send the outbox: invalidations first, then the writes, under the versions they were given."""
        far = self._far
        if far is None or not len(self._outbox):
            return True
        invalidations, puts = self._outbox.take()
        done = False
        try:
            done = self._send(far, invalidations, puts, probing=probing)
        finally:
            if not done:
                self._outbox.give_back(invalidations, puts)
        if done:
            self._outbox.settled()
            log.info("cache_outbox_settled", invalidations=len(invalidations), puts=len(puts))
        return done

    def _make_up_for_overflow(self) -> bool:
        """More was invalidated meanwhile than could be remembered: then nothing stored is fresh."""
        if not self._outbox.overflowed:
            return True
        snapshot = self._sync(probing=True, abandon="floor")
        if snapshot is None:
            return False
        self._outbox.overflowed = False
        self._adopt(snapshot)
        log.warning("cache_outbox_overflowed")
        return True

    def _send(
        self, far: RedisTier, invalidations: list[tuple[str, int, Reason]], puts: list[Item], *, probing: bool
    ) -> bool:
        hub = self._hub
        for (version, reason), group in groupby(invalidations, key=lambda one: (one[1], one[2])):
            texts = [text for text, _, _ in group]
            cascade = far.invalidate(
                texts, reason, heard=hub.known, seen=hub.highest, pinned=version, probing=probing
            )
            if cascade is None:
                return False
            for touched, why in cascade.by_reason(reason):
                hub.apply(set(touched).intersection(cascade.as_of_then), why, version)
                hub.apply(set(touched).difference(cascade.as_of_then), why, cascade.version)
        fresh = True
        for start in range(0, len(puts), SETTLE_AT_ONCE):
            some = puts[start : start + SETTLE_AT_ONCE]
            commit = far.commit(some, heard=hub.known, seen=hub.highest, probing=probing)
            if commit is None:
                return False
            fresh = fresh and set(commit.verdicts) == {"fresh"}
            if self._near is not None and hub.generation is not None:
                # There they still say that they are not settled; what came of them, Redis says.
                self._near.drop([item.key.text for item in some], hub.generation)
        if not fresh:
            hub.abandon()
        return True

    def _run(self) -> None:
        while not self._closing.is_set():
            self._nudge.wait(self._pause())
            self._nudge.clear()
            if self._closing.is_set():
                return
            try:
                self._tick()
            except Exception:
                log.exception("cache_keeper_failed")

    def _pause(self) -> float:
        waits = [due for due in (breaker.due_in() for breaker in self._breakers) if due is not None]
        return min([*waits, BEAT_S if self._leases.any_beating else CANARY_S])

    def _tick(self) -> None:
        for breaker in self._breakers:
            breaker.try_probe()
        self._leases.beat()
        if self._care is not None:
            self._care.tick(redis_believed=None if self._far is None else self._far.breaker.closed)
        if self._far is None or not self._far.breaker.closed:
            self._alone_at = time.monotonic()
            return
        if not len(self._outbox) and time.monotonic() > self._alone_at + SETTLED_BY_ALL_S:
            self._hub.end_doubt()
        if len(self._outbox):
            self.settle()
        if time.monotonic() >= self._canary_at:
            self._canary_at = time.monotonic() + CANARY_S
            self._stay_informed()
        self._census.report_if_due()

    def _stay_informed(self) -> None:
        if self._far is not None:
            self._far.follow_master()
        if self._listener is not None:
            self._listener.say()
            return
        snapshot = self._sync()
        if snapshot is not None:
            self._adopt(snapshot)

    def _adopt(self, snapshot: Snapshot) -> None:
        self._hub.adopt(snapshot)
        if self._listener is None:
            self._hub.fences_until = self._hub.clock() + UNPROVED_LIFE_S

    def _sync(self, *, probing: bool = False, abandon: Abandon = "") -> Snapshot | None:
        if self._far is None:
            return None
        # After an outage all fences are asked for: some may have been settled under older versions.
        since = 0 if probing else self._hub.known
        return self._far.sync(
            heard=self._hub.known, seen=self._hub.highest, since=since, abandon=abandon, probing=probing
        )

    def _raise_generation(self) -> bool:
        """Make everything that Memcached holds unreachable, for some of it may be old."""
        snapshot = self._sync(abandon="generation")
        if snapshot is None or self._near is None:
            return False
        self._near.clear_missed_writes()
        self._adopt(snapshot)
        log.info("cache_generation_raised", generation=snapshot.generation)
        return True

    def _recovery_of(self, node: MemcachedNode) -> Callable[[], bool]:
        def recover() -> bool:
            if not node.answers():
                return False
            if self._far is not None and not self._far.breaker.closed:
                # Those who have Redis may have missed writes to it, and raise the number in a moment.
                self._hub.near_doubted_until = self._hub.clock() + WORD_IS_LEFT_WITHIN_S
            if not node.missed_writes:
                return True
            # Without Redis to raise the number, at least what this process failed to write goes.
            return self._raise_generation() or node.forget_missed()

        return recover
