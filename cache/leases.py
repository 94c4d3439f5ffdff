"""Named leases in Redis: run locks for tasks, claims, and the right to compute a cold key."""

from __future__ import annotations

import math
import time
from threading import Lock
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

import msgspec

from cache.tiers import scripts

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from cache.tiers.redis import RedisTier

BEAT_S = 0.2
BEATS_PER_LIFE = 4
RUN_LOCK_LIFE_S = 3.0
MOST_LOCAL = 1000
MOST_OWED = 1000


class RunLock:
    """A lease, held or not. `known` is False when nobody could say: then `held` is this process's word alone.

    `held_for_s` is what another holder's has left, for a lease that is not held.
    """

    def __init__(self, *, name: str, token: str, life_s: float, until: float, owner: Leases) -> None:
        self.name = name
        self.token = token
        self.held = False
        self.known = True
        self.held_for_s: float | None = None
        self.announce = ""
        self.life_s = life_s
        self.until = until
        self.beat_at = 0.0
        # Whether Redis may have heard of it: only then is there anything to give back there.
        self.sent = False
        self._owner = owner

    def __bool__(self) -> bool:
        return self.held

    def release(self) -> None:
        """Give it back, if it is still ours."""
        if self.held:
            self.held = False
            self._owner.release(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class LocalLeases:
    """Who holds what within this process. Bounded: what has run out goes first, then the oldest."""

    def __init__(self, monotonic: Callable[[], float], limit: int = MOST_LOCAL) -> None:
        self._monotonic = monotonic
        self._limit = limit
        self._holders: dict[str, tuple[str, float]] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._holders)

    def take(self, name: str, token: str, until: float) -> float:
        """Take it if it is free; 0 when it is ours now, else the seconds that its holder has left."""
        now = self._monotonic()
        with self._lock:
            _, taken_until = self._holders.get(name, ("", 0.0))
            if taken_until > now:
                return taken_until - now
            self._holders.pop(name, None)
            self._holders[name] = (token, until)
            if len(self._holders) > self._limit:
                live = [(key, held) for key, held in self._holders.items() if held[1] > now]
                self._holders = dict(live[-self._limit :])
            return 0.0

    def release(self, name: str, token: str) -> None:
        """Give it back if it is this token's."""
        with self._lock:
            if self._holders.get(name, ("", 0.0))[0] == token:
                del self._holders[name]


class Leases:
    """Takes, lengthens and releases. What Redis cannot decide holds within this process.

    A lease that outlives its life in Redis is lengthened by the heartbeat of a living process: a
    lost answer or a killed holder keeps a name for no longer than that life.
    """

    def __init__(self, far: RedisTier | None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._far = far
        self._monotonic = monotonic
        self.reopen()

    def reopen(self) -> None:
        """A fork holds nothing: its parent does."""
        self._local = LocalLeases(self._monotonic)
        self._claims = LocalLeases(self._monotonic)
        self._beating: dict[str, RunLock] = {}
        self._owed: dict[str, RunLock] = {}

    def take(
        self,
        name: str,
        ttl_s: float,
        *,
        life_s: float | None = None,
        beating: bool = False,
        announce: str = "",
    ) -> RunLock:
        """Try once; look at `held`.

        With `life_s` it lives that long in Redis and is lengthened up to `ttl_s` in all; `beating`
        lengthens without an end, by `ttl_s` each time, until it is released.
        """
        until = math.inf if beating else self._monotonic() + ttl_s
        life_s = ttl_s if life_s is None else min(ttl_s, life_s)
        lease = RunLock(name=name, token=uuid4().hex, life_s=life_s, until=until, owner=self)
        lease.announce = announce
        left_s = self._local.take(name, lease.token, until)
        if left_s > 0:
            lease.held_for_s = left_s
            return lease
        if self._far is None:
            lease.held = True
            return lease
        self._take_far(lease)
        if not lease.held:
            self._local.release(name, lease.token)
        elif beating or life_s < ttl_s:
            lease.beat_at = self._monotonic() + life_s / BEATS_PER_LIFE
            self._beating[lease.token] = lease
        return lease

    def claim(self, name: str, ttl_s: float) -> bool:
        """Whether the name is the caller's for exactly `ttl_s`; nothing is released or lengthened."""
        token = uuid4().hex
        left_ms = None
        if self._far is not None:
            left_ms = self._run(scripts.ACQUIRE, name, token, _ms(ttl_s))
        if left_ms is not None:
            return bool(left_ms == 0)
        return self._claims.take(name, token, self._monotonic() + ttl_s) == 0

    def release(self, lease: RunLock) -> None:
        """Give one back and wake those who wait for it; what cannot be told now is told by the heartbeat."""
        self._beating.pop(lease.token, None)
        self._local.release(lease.name, lease.token)
        if lease.sent and not self._give_back(lease):
            self._owe(lease)

    @property
    def any_beating(self) -> bool:
        """Whether the heart must go on."""
        return bool(self._beating or self._owed)

    def beat(self) -> None:
        """Lengthen what is held, give back what could not be given back."""
        for lease in tuple(self._beating.values()):
            now = self._monotonic()
            if lease.until <= now:
                self._beating.pop(lease.token, None)
            elif lease.beat_at <= now:
                lease.beat_at = now + lease.life_s / BEATS_PER_LIFE
                self._lengthen(lease, min(lease.life_s, lease.until - now))
        for lease in tuple(self._owed.values()):
            if not self._give_back(lease):
                return
            self._owed.pop(lease.token, None)

    def _take_far(self, lease: RunLock) -> None:
        left_ms = self._send(scripts.ACQUIRE, lease, _ms(lease.life_s))
        lease.known = left_ms is not None
        # Nobody could say: it is free in this process, and the heartbeat takes it in Redis when it can.
        lease.held = left_ms in {None, 0}
        if not lease.held:
            lease.held_for_s = left_ms / 1000

    def _lengthen(self, lease: RunLock, by_s: float) -> None:
        self._send(scripts.EXTEND, lease, _ms(by_s))
        if lease.token not in self._beating:
            # It was released meanwhile, and may have been taken anew just now.
            self._owe(lease)

    def _give_back(self, lease: RunLock) -> bool:
        far = self._far
        if far is None:
            return True
        message = b""
        if lease.announce:
            message = msgspec.msgpack.encode((0, 0, "released", far.origin, [lease.announce], []))
        return self._run(scripts.RELEASE, lease.name, lease.token, far.channel, message) is not None

    def _owe(self, lease: RunLock) -> None:
        self._owed[lease.token] = lease
        while len(self._owed) > MOST_OWED:
            self._owed.pop(next(iter(self._owed)), None)

    def _send(self, script: scripts.Script, lease: RunLock, *args: Any) -> Any:
        """Run it for one lease. One that gets no answer may have been done all the same."""
        lease.sent = lease.sent or (self._far is not None and self._far.breaker.closed)
        return self._run(script, lease.name, lease.token, *args)

    def _run(self, script: scripts.Script, name: str, *args: Any) -> Any:
        far = self._far
        if far is None:
            return None
        return far.guarded(lambda: script(far.quick, [f"{far.base}:lease:{name}"], args))


def _ms(seconds: float) -> int:
    return max(1, int(seconds * 1000))
