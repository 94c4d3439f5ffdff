"""How fast an exchange may be asked: one bucket per exchange, shared by all threads of a process."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from market.errors import Banned, ExchangeUnavailable, LimiterFull, RateLimited

if TYPE_CHECKING:
    from collections.abc import Callable

    from market.errors import MarketError


@dataclass(frozen=True, slots=True)
class Window:
    """A published limit: at most `requests` in any `seconds`, counted per IP address."""

    requests: int
    seconds: float
    source: str


# Where an exchange publishes a plain window of requests it is far above ccxt's spacing, which is
# made for the strictest (private) endpoints. Everywhere else ccxt's own cost of a call counts.
PUBLISHED = {
    "bybit": Window(600, 5.0, "https://bybit-exchange.github.io/docs/v5/rate-limit, 'IP Limit'"),
    "simulated": Window(600, 5.0, "speaks Bybit's interface and keeps its limit"),
}

# The share of a window that flows steadily, and the calls that may go out at once: 578 of 600.
USED_SHARE = 0.955
BURST = 5.0
# The share that is never exceeded, counted when calls really go out: a process that was stalled
# sends those that were waiting together. The rest, 12 of 600, is for calls that the network or a
# busy exchange brings closer together than they were sent, at most one for each thread.
HARD_SHARE = 0.98


@dataclass(frozen=True, slots=True)
class Rate:
    """Cost units that flow in each second and those that may be saved up.

    With a published `window` each call weighs 1, whatever ccxt's cost for it is, and no window ever
    holds more calls than it allows.
    """

    per_second: float
    burst: float
    window: Window | None = None


def rate_of(exchange: str, *, rate_limit_ms: float, share: float = 1.0) -> Rate:
    """The rate for an exchange; `rate_limit_ms` is ccxt's time between two calls of cost 1.

    `share` divides the rate among processes that do not share a bucket.
    """
    window = PUBLISHED.get(exchange)
    if window is None:
        return Rate(share * 1000.0 / rate_limit_ms, 1.0)
    per_second = USED_SHARE * share * window.requests / window.seconds
    ours = replace(window, requests=int(HARD_SHARE * share * window.requests))
    return Rate(per_second, max(1.0, BURST * share), ours)


@dataclass(frozen=True, slots=True)
class Closure:
    """Why and until which Unix time nobody may ask; `word` is that of the error which said so."""

    until: float
    word: str
    reason: str


OPEN = Closure(0.0, "", "")


class Limiter(Protocol):
    """Lets calls through at an exchange's rate. A shared one that breaks must limit by itself."""

    rate: Rate

    def acquire(self, cost: float = 1.0, *, patience_s: float) -> None:
        """Wait for a call's turn.

        Raise `LimiterFull` when the turn would come after `patience_s`, and the error that closed the
        bucket (`RateLimited`, `Banned`, `ExchangeUnavailable`) when it stays closed for that long.
        """
        ...

    def close_until(self, until: float, *, word: str = RateLimited.word, reason: str = "closed") -> None:
        """Let nobody through before the Unix time `until`; the latest of several counts."""
        ...


class TokenBucket:
    """The limiter of one process. Turns are given first come, first served, and each is waited for."""

    def __init__(
        self,
        *,
        exchange: str,
        rate: Rate,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.exchange = exchange
        self.rate = rate
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()
        self._level = rate.burst
        self._filled_at = monotonic()
        self._sent: deque[float] = deque()
        self._closure = OPEN

    def acquire(self, cost: float = 1.0, *, patience_s: float) -> None:
        """Wait for a call's turn; see `Limiter`."""
        weight = cost if self.rate.window is None else 1.0
        give_up_at = self._monotonic() + patience_s
        while self._closed_s() or not self._waited_for_turn(weight, give_up_at):
            closed_s = self._closed_s()
            if self._monotonic() + closed_s > give_up_at:
                raise self._closed_error()
            if closed_s:
                self._sleep(closed_s)

    def close_until(self, until: float, *, word: str = RateLimited.word, reason: str = "closed") -> None:
        """Let nobody through before the Unix time `until`; see `Limiter`."""
        with self._lock:
            if until > self._closure.until:
                self._closure = Closure(until, word, reason)

    def _waited_for_turn(self, weight: float, give_up_at: float) -> bool:
        """Take the next turn and sleep until it comes; False when the bucket was closed meanwhile.

        A turn that a closure spoils is not given back: less is asked then, never more.
        """
        with self._lock:
            now = self._monotonic()
            level = min(self.rate.burst, self._level + (now - self._filled_at) * self.rate.per_second)
            # A call that weighs more than the bucket holds goes when the bucket is full, on credit.
            wait_s = max(0.0, (min(weight, self.rate.burst) - level) / self.rate.per_second)
            if now + wait_s > give_up_at:
                raise LimiterFull(
                    self.exchange, f"our own limiter is full for {wait_s:.1f} s", until=self._clock() + wait_s
                )
            self._level, self._filled_at = level - weight, now
        if wait_s:
            self._sleep(wait_s)
        while not self._closed_s() and (wait_s := self._full_s()):
            self._sleep(wait_s)
        return not self._closed_s()

    def _full_s(self) -> float:
        """Seconds until the window has room for a call that goes out now; counts the call when it has."""
        window = self.rate.window
        if window is None:
            return 0.0
        with self._lock:
            now = self._monotonic()
            while self._sent and self._sent[0] <= now - window.seconds:
                self._sent.popleft()
            if len(self._sent) >= window.requests:
                return self._sent[0] + window.seconds - now
            self._sent.append(now)
            return 0.0

    def _closed_s(self) -> float:
        return max(0.0, self._closure.until - self._clock())

    def _closed_error(self) -> MarketError:
        closure = self._closure
        if closure.word == ExchangeUnavailable.word:
            return ExchangeUnavailable(self.exchange, closure.reason, retry_after=self._closed_s())
        kind = Banned if closure.word == Banned.word else RateLimited
        return kind(self.exchange, closure.reason, until=closure.until)
