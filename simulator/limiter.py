"""The strict limit on requests of one client: so many in any window, and a ban for whoever exceeds it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_CLIENTS = 1024
FORBIDDEN, RETURN_CODE, TOO_MANY = "403", "10006", "429"
MODES = (FORBIDDEN, RETURN_CODE, TOO_MANY)


@dataclass(frozen=True, slots=True)
class Limit:
    """How much is allowed and what happens beyond it.

    Bybit's own: 600 requests in any 5 s of one address, then 403 "access too frequent" for 10 minutes.
    `requests` 0 means no limit. `mode` is "403", "10006" (HTTP 200 with that code) or "429" with Retry-After.
    """

    requests: int = 600
    window_s: float = 5.0
    ban_s: float = 600.0
    mode: str = FORBIDDEN


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request is allowed, how many more are, and in how many seconds one will be."""

    allowed: bool
    remaining: int
    wait_s: float
    banned_now: bool = False


class RateLimiter:
    """A sliding window over the times of the allowed requests of each address; refused ones do not count."""

    def __init__(self, *, limit: Limit, monotonic: Callable[[], float]) -> None:
        self.limit = limit
        self._monotonic = monotonic
        self._times: dict[str, deque[float]] = {}
        self._banned_until: dict[str, float] = {}

    def change(self, limit: Limit) -> None:
        """Put another limit in force and forget all windows and bans."""
        self.limit = limit
        self._times.clear()
        self._banned_until.clear()

    def admit(self, client: str) -> Verdict:
        """Judge one request and, when it is allowed, count it."""
        limit = self.limit
        if not limit.requests:
            return Verdict(True, 0, 0.0)
        now = self._monotonic()
        until = self._banned_until.get(client)
        if until is not None:
            if now < until:
                return Verdict(False, 0, until - now)
            del self._banned_until[client]
        times = self._times.get(client)
        if times is None:
            self._make_room()
            times = self._times[client] = deque()
        while times and times[0] <= now - limit.window_s:
            times.popleft()
        if len(times) < limit.requests:
            times.append(now)
            return Verdict(True, limit.requests - len(times), 0.0)
        if not limit.ban_s:
            return Verdict(False, 0, times[0] + limit.window_s - now)
        self._banned_until[client] = now + limit.ban_s
        return Verdict(False, 0, limit.ban_s, banned_now=True)

    def _make_room(self) -> None:
        while len(self._times) >= _MOST_CLIENTS:
            self._times.pop(next(iter(self._times)))
