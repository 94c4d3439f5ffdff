"""The limiter of one process: a bucket, a window, a closure and a circuit for all its threads."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from market.circuit import CLOSED, RULES, TRIAL_HINT_S
from market.errors import ExchangeUnavailable, LimiterFull, RateLimited
from market.limiter import OPEN, Closure

if TYPE_CHECKING:
    from collections.abc import Callable

    from market.circuit import Circuit, Rules
    from market.errors import MarketError
    from market.limiter import Rate

log = structlog.get_logger(__name__)


@dataclass
class _Thread(threading.local):
    """Whether this thread was let through and has not told what came of it."""

    asks: bool = False


class TokenBucket:
    """A `Limiter`. Turns are given first come, first served, and each is waited for."""

    def __init__(
        self,
        *,
        exchange: str,
        rate: Rate,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
        rules: Rules = RULES,
    ) -> None:
        self.exchange = exchange
        self.rate = rate
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._chance = chance
        self._rules = rules
        self._lock = threading.Lock()
        self._level = rate.burst
        self._filled_at = monotonic()
        self._sent: deque[float] = deque()
        self._closure = OPEN
        self._closed_until = monotonic()  # a clock that is set back must not make a closure longer
        self._circuit = CLOSED
        self._thread = _Thread()

    def acquire(self, cost: float = 1.0, *, patience_s: float) -> None:
        """Wait for a call's turn; see `Limiter`."""
        weight = self.rate.weight(cost)
        give_up_at = self._monotonic() + patience_s
        self._thread.asks = False
        try:
            while self._must_stay_away() or not self._waited_for_turn(weight, give_up_at):
                self._wait_while_closed(give_up_at)
        except BaseException:
            with self._lock:
                self._set(self._circuit.dropped(me()))
            raise
        self._thread.asks = True

    def close_until(self, until: float, *, word: str = RateLimited.word, reason: str = "closed") -> None:
        """Let nobody through before the Unix time `until`; see `Limiter`."""
        with self._lock:
            closed_s = until - self._clock()
            if closed_s > self._closed_s():
                self._closure, self._closed_until = Closure(until, word, reason), self._monotonic() + closed_s

    def succeeded(self) -> None:
        """Tell of an answer, which closes the circuit; see `Limiter`."""
        if self._thread.asks:
            self._thread.asks = False
            with self._lock:
                self._set(self._circuit.answered(me()))

    def failed(self, error: MarketError) -> None:
        """Tell what came instead of an answer; see `Limiter`."""
        if not isinstance(error, ExchangeUnavailable):
            self.succeeded()
            return
        if not self._thread.asks:
            return
        self._thread.asks = False
        with self._lock:
            now = self._monotonic()
            self._set(
                self._circuit.failed(
                    me(),
                    now,
                    reason=error.reason,
                    chance=self._chance(),
                    retry_after_s=error.retry_after or 0.0,
                    rules=self._rules,
                )
            )
            if self._circuit.openings:
                error.retry_after = max(error.retry_after or 0.0, self._circuit.open_until - now)

    def closed(self) -> Closure | None:
        """What keeps everybody out now, the circuit included; None when nothing does."""
        open_s, closed_s = self._circuit.open_until - self._monotonic(), self._closed_s()
        if open_s > closed_s:
            return Closure(self._clock() + open_s, ExchangeUnavailable.word, self._circuit.reason)
        return replace(self._closure, until=self._clock() + closed_s) if closed_s else None

    def start_over(self, rate: Rate, *, quiet_s: float = 0.0) -> None:
        """Go on at another rate with nothing saved up, after `quiet_s` without a turn for anybody."""
        with self._lock:
            self.rate, self._level = rate, 0.0
            self._filled_at = self._monotonic() + quiet_s

    def window_full_s(self) -> float:
        """Seconds until the window has room for a call let through elsewhere; counts it when it has."""
        with self._lock:
            return self._full_s()

    def _must_stay_away(self) -> bool:
        """Whether it is closed; raise while the circuit is open, unless it is closed for much longer."""
        refused_s, closed_s = self._circuit.refused_s(me(), self._monotonic()), self._closed_s()
        if refused_s and closed_s <= refused_s + TRIAL_HINT_S:
            raise ExchangeUnavailable(self.exchange, self._circuit.reason, retry_after=refused_s)
        return closed_s > 0

    def _wait_while_closed(self, give_up_at: float) -> None:
        closed_s = self._closed_s()
        if self._monotonic() + closed_s > give_up_at:
            now = self._clock()
            raise replace(self._closure, until=now + closed_s).error(self.exchange, now)
        if closed_s:
            self._sleep(closed_s)

    def _waited_for_turn(self, weight: float, give_up_at: float) -> bool:
        """Take the next turn and sleep until it comes; False when nobody may ask any more by then.

        A turn that a closure spoils is not given back: less is asked then, never more.
        """
        wait_s = self._reserved(weight, give_up_at)
        while True:
            if wait_s:
                self._sleep(wait_s)
            with self._lock:
                if self._closed_s() or self._circuit.refused_s(me(), self._monotonic()):
                    return False
                wait_s = self._full_s()
            if not wait_s:
                return True

    def _reserved(self, weight: float, give_up_at: float) -> float:
        """Take the next turn, and the trial where one is due; seconds until the turn."""
        with self._lock:
            self._must_stay_away()  # again: another thread may have the trial by now
            now = self._monotonic()
            level = min(self.rate.burst, self._level + (now - self._filled_at) * self.rate.per_second)
            # A call that weighs more than the bucket holds goes when the bucket is full, on credit.
            wait_s = max(0.0, (min(weight, self.rate.burst) - level) / self.rate.per_second)
            if now + wait_s > give_up_at:
                raise full(self.exchange, wait_s, self._clock())
            self._level, self._filled_at = level - weight, now
            self._circuit = self._circuit.let_through(me(), now, self._rules)
        return wait_s

    def _full_s(self) -> float:
        """Seconds until the window has room for a call that goes out now; counts the call when it has."""
        window = self.rate.window
        if window is None:
            return 0.0
        self._forget_sent()
        now = self._monotonic()
        if len(self._sent) >= window.requests:
            return self._sent[-window.requests] + window.seconds - now
        self._sent.append(now)
        return 0.0

    def _forget_sent(self) -> None:
        """Leave out of the window what it has passed."""
        before = self._monotonic() - (self.rate.window.seconds if self.rate.window else 0.0)
        while self._sent and self._sent[0] <= before:
            self._sent.popleft()

    def _closed_s(self) -> float:
        return max(0.0, self._closed_until - self._monotonic())

    def _set(self, circuit: Circuit) -> None:
        before, self._circuit = self._circuit, circuit
        tell(self.exchange, before.openings, circuit.openings, circuit.reason)


def me() -> str:
    """The calling thread, as the circuit knows it."""
    return str(threading.get_ident())


def full(exchange: str, wait_s: float, now: float) -> LimiterFull:
    """The refusal of somebody whose turn would come in `wait_s`, later than it is waited for."""
    return LimiterFull(exchange, f"our own limiter is full for {wait_s:.1f} s", until=now + wait_s)


def tell(exchange: str, before: int, after: int, reason: str) -> None:
    """Log that the circuit opened or closed, by how often it opened in a row."""
    if after > before:
        log.warning("circuit_opened", exchange=exchange, reason=reason, openings=after)
    if before and not after:
        log.info("circuit_closed", exchange=exchange)
