"""The limiter that all processes share: a bucket in Redis, and each one's share of it without Redis."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import structlog

from cache.bucket import Breaking, Flow
from market.circuit import RULES, share_of_pause
from market.errors import ExchangeUnavailable, RateLimited
from market.limiter import Closure
from market.token_bucket import TokenBucket, full, tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from cache import TieredCache
    from cache.bucket import Bucket, Turn
    from market.circuit import Rules
    from market.errors import MarketError
    from market.limiter import Limiter, Rate

log = structlog.get_logger(__name__)

# Before it asks alone, and when everybody is back: the others' view of Redis is up to half a second
# (the slowest probe of the cache) older or newer than ours.
QUIET_S = 1.0
# Somebody who never had Redis does not know how many others there are.
UNKNOWN_PROCESSES = 2


@dataclass
class _Thread(threading.local):
    """Where this thread was let through, while it has not told what came of it."""

    through: Literal["", "shared", "alone"] = ""
    has_news: bool = False  # an answer changes what all know: there were failures before it
    on_trial: bool = False

    def note(self, through: Literal["", "shared", "alone"], turn: Turn | None = None) -> None:
        """Remember what it was told on the way in."""
        self.through = through
        self.has_news = turn is not None and turn.failures > 0
        self.on_trial = turn is not None and turn.openings > 0

    def told(self) -> tuple[str, bool]:
        """It has told how it went; returns where it had been let through, and whether an answer is news."""
        noted = (self.through, self.has_news)
        self.note("")
        return noted


class SharedLimiter:
    """A `Limiter` over all processes. While Redis is away each keeps to its part of the rate."""

    def __init__(
        self,
        *,
        exchange: str,
        rate: Rate,
        bucket: Bucket,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
        rules: Rules = RULES,
    ) -> None:
        self.exchange = exchange
        self.rate = rate
        self._bucket = bucket
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._chance = chance
        self._rules = rules
        self._own = TokenBucket(
            exchange=exchange,
            rate=rate,
            clock=clock,
            monotonic=monotonic,
            sleep=sleep,
            chance=chance,
            rules=rules,
        )
        window = rate.window
        self._flow = Flow(
            per_second=rate.per_second,
            burst=rate.burst,
            requests=window.requests if window else 0,
            window_s=window.seconds if window else 0.0,
            trial_s=rules.trial_s,
        )
        self._processes = UNKNOWN_PROCESSES
        self._lock = threading.Lock()
        self._alone = False
        self._asked_alone = False
        self._untold = False
        self._thread = _Thread()

    def acquire(self, cost: float = 1.0, *, patience_s: float) -> None:
        """Wait for a call's turn among all processes; see `Limiter`."""
        weight = self.rate.weight(cost)
        give_up_at = self._monotonic() + patience_s
        self._thread.through = ""
        try:
            turn = self._in_own_window(self._take(weight, patience_s), give_up_at)
            while turn is not None and turn.state != "go":
                turn = self._in_own_window(self._after(turn, weight, give_up_at), give_up_at)
        except BaseException:
            self._give_up_trial()
            raise
        if turn is None:
            self._acquire_alone(cost, give_up_at)
            return
        self._thread.note("shared", turn)

    def close_until(self, until: float, *, word: str = RateLimited.word, reason: str = "closed") -> None:
        """Let no process through before the Unix time `until`; see `Limiter`."""
        self._own.close_until(until, word=word, reason=reason)
        self._tell_closure()

    def succeeded(self) -> None:
        """Tell of an answer where that is news; see `Limiter`."""
        through, news = self._thread.told()
        if through == "alone":
            self._own.succeeded()
        elif through and news:
            told = self._bucket.answered()
            if told is not None:
                tell(self.exchange, told.before, told.after, "")

    def failed(self, error: MarketError) -> None:
        """Count a failure of the whole exchange over all processes; see `Limiter`."""
        if not isinstance(error, ExchangeUnavailable):
            self.succeeded()
            return
        if self._thread.through == "alone":
            self._own.failed(error)
        through, _ = self._thread.told()
        if through != "shared":
            return
        told = self._bucket.failed(
            Breaking(
                failures=self._rules.failures,
                first_s=self._rules.first_s,
                longest_s=self._rules.longest_s,
                share=share_of_pause(self._chance()),
                asked_s=error.retry_after or 0.0,
            ),
            error.reason,
        )
        if told is not None and told.after:
            error.retry_after = max(error.retry_after or 0.0, told.open_s)
            tell(self.exchange, told.before, told.after, error.reason)

    def _take(self, weight: float, patience_s: float) -> Turn | None:
        """Ask Redis for a turn; what was decided without it is told first."""
        if self._alone or self._untold:
            self._tell_closure()
        back = self._alone and self._asked_alone and self._processes > 1
        turn = self._bucket.take(self._flow, weight, patience_s=patience_s, pause_s=QUIET_S if back else 0.0)
        if turn is None:
            return None
        self._processes = turn.processes
        with self._lock:
            was_alone, self._alone = self._alone, False
            if was_alone:
                self._own.start_over(self.rate)
        if was_alone:
            log.info("limiter_shared", exchange=self.exchange, processes=turn.processes)
        return turn

    def _after(self, turn: Turn, weight: float, give_up_at: float) -> Turn | None:
        """Wait as Redis says and ask it again; raise where that takes too long."""
        if turn.state == "wait":
            self._thread.note("", turn)
            self._sleep(turn.wait_s)
            return self._bucket.go(self._flow, weight, patience_s=give_up_at - self._monotonic())
        now = self._clock()
        if turn.state == "full":
            raise full(self.exchange, turn.wait_s, now)
        is_open = turn.state == "open"
        closure = Closure(now + turn.wait_s, ExchangeUnavailable.word if is_open else turn.word, turn.reason)
        # Should Redis be lost meanwhile, this is still known.
        self._own.close_until(closure.until, word=closure.word, reason=closure.reason)
        if is_open or self._monotonic() + turn.wait_s > give_up_at:
            raise closure.error(self.exchange, now)
        self._sleep(turn.wait_s)
        return self._take(weight, give_up_at - self._monotonic())

    def _in_own_window(self, turn: Turn | None, give_up_at: float) -> Turn | None:
        """Let go only what this process's own window has room for, and count it there.

        Redis does not know of what was asked while it was away, and a Redis that comes and goes would
        allow a little more each time. Who waits for that asks Redis again, which counts it once more: less
        goes out then, never more.
        """
        if turn is None or turn.state != "go":
            return turn
        wait_s = self._own.window_full_s()
        if wait_s and self._monotonic() + wait_s > give_up_at:
            self._thread.note("", turn)
            raise full(self.exchange, wait_s, self._clock())
        return turn._replace(state="wait", wait_s=wait_s) if wait_s else turn

    def _acquire_alone(self, cost: float, give_up_at: float) -> None:
        with self._lock:
            was_alone, self._alone = self._alone, True
            if not was_alone:
                self._asked_alone = False
                quiet_s = QUIET_S if self._processes > 1 else 0.0
                self._own.start_over(self.rate.shared_by(self._processes), quiet_s=quiet_s)
        if not was_alone:
            log.warning("limiter_alone", exchange=self.exchange, processes=self._processes)
        self._own.acquire(cost, patience_s=give_up_at - self._monotonic())
        self._asked_alone = True
        self._thread.note("alone")

    def _tell_closure(self) -> None:
        """Close the bucket for all others as long as it is closed here; what cannot be told now is later."""
        closure = self._own.closed()
        self._untold = closure is not None and not self._bucket.close(
            closure.until - self._clock(), word=closure.word, reason=closure.reason
        )

    def _give_up_trial(self) -> None:
        if self._thread.on_trial:
            self._bucket.dropped()
        self._thread.told()


def shared_limiter(exchange: str, rate: Rate, *, cache: TieredCache, clock: Callable[[], float]) -> Limiter:
    """The limiter of one exchange over all processes on this cache's Redis, or this process's own."""
    bucket = cache.bucket(exchange)
    if not bucket.shared:
        return TokenBucket(exchange=exchange, rate=rate, clock=clock)
    return SharedLimiter(exchange=exchange, rate=rate, bucket=bucket, clock=clock)
