"""Named leases in Redis: run locks for tasks and the right to compute a cold key."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

import msgspec

from cache.tiers import scripts

if TYPE_CHECKING:
    from types import TracebackType

    from cache.tiers.redis import RedisTier

BEAT_S = 0.2
MOST_LOCAL = 1000


class RunLock:
    """A lease, held or not. `held_for_s` is what another holder's has left; None when nobody could say."""

    def __init__(self, *, name: str, token: str, ttl_s: float, owner: Leases, held: bool) -> None:
        self.name = name
        self.token = token
        self.ttl_s = ttl_s
        self.held = held
        self.held_for_s: float | None = None
        self.announce = ""
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


class Leases:
    """Takes, lengthens and releases. Without Redis configured they hold within this process."""

    def __init__(self, far: RedisTier | None) -> None:
        self._far = far
        self.reopen()

    def reopen(self) -> None:
        """A fork holds nothing: its parent does."""
        self._local: dict[str, tuple[str, float]] = {}
        self._beating: dict[str, RunLock] = {}
        self._lock = Lock()

    def take(self, name: str, ttl_s: float, *, beating: bool = False, announce: str = "") -> RunLock:
        """Try once; look at `held`. A `beating` lease is lengthened until it is released."""
        lease = RunLock(name=name, token=uuid4().hex, ttl_s=ttl_s, owner=self, held=False)
        lease.announce = announce
        if self._far is None:
            self._take_locally(lease)
        else:
            left_ms = self._run(scripts.ACQUIRE, name, lease.token, int(ttl_s * 1000))
            lease.held = left_ms == 0
            lease.held_for_s = None if left_ms is None or lease.held else left_ms / 1000
        if lease.held and beating:
            self._beating[lease.token] = lease
        return lease

    def release(self, lease: RunLock) -> None:
        """Give one back and wake those who wait for it."""
        self._beating.pop(lease.token, None)
        if self._far is None:
            with self._lock:
                if self._local.get(lease.name, ("", 0.0))[0] == lease.token:
                    del self._local[lease.name]
            return
        message = b""
        if lease.announce:
            message = msgspec.msgpack.encode((0, 0, "released", self._far.origin, [lease.announce], []))
        self._run(scripts.RELEASE, lease.name, lease.token, self._far.channel, message)

    @property
    def any_beating(self) -> bool:
        """Whether the heart must go on."""
        return bool(self._beating)

    def beat(self) -> None:
        """Lengthen what is held."""
        for lease in tuple(self._beating.values()):
            self._run(scripts.EXTEND, lease.name, lease.token, int(lease.ttl_s * 1000))

    def _take_locally(self, lease: RunLock) -> None:
        now = time.monotonic()
        with self._lock:
            if len(self._local) > MOST_LOCAL:
                self._local = {name: held for name, held in self._local.items() if held[1] > now}
            _, until = self._local.get(lease.name, ("", 0.0))
            if until <= now:
                self._local[lease.name] = (lease.token, now + lease.ttl_s)
                lease.held = True

    def _run(self, script: scripts.Script, name: str, *args: Any) -> Any:
        far = self._far
        if far is None:
            return None
        return far.guarded(lambda: script(far.quick, [f"{far.base}:lease:{name}"], args))
