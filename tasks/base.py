"""The classes under every task: one run at a time where it says so, failures told with facts."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog
from celery import Task
from kombu.exceptions import LimitExceeded, OperationalError

from market.errors import MarketError
from tasks import wire
from tasks.slots import slots_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

log = structlog.get_logger()

TICK_HEADER = "tick_s"
"""The header of beat's messages: their period in seconds."""

TICK_SHARE = 0.8
"""The share of a period after a tick in which no other is taken: beat is never so much too early."""

LEAST_CLAIM_S = 0.05

BROKER_AWAY = (OperationalError, LimitExceeded)
"""What sending a message ends with while the broker does not answer: what was stored is stored, and the
sweep repairs that nobody was told."""

PAUSE_S = 0.5
"""How long a fetch waits in the queue whose exchange has all the threads that it may have."""


def expires_at(request: Any) -> float | None:
    """When the message of a run is void, in Unix seconds; None where nobody said so."""
    expires = request.expires
    if expires is None:
        return None
    at: datetime = datetime.fromisoformat(expires) if isinstance(expires, str) else expires
    return at.timestamp()


class MarketTask(Task):  # type: ignore[misc] # Celery ships no types
    """A task that can hold a run lock while it works and that logs a failure with its exchange and symbol."""

    abstract = True
    # Expected in operation: told in one line by on_failure, without a traceback.
    throws = (MarketError, *BROKER_AWAY)
    run_lock_s: float | None = None
    """Longest time in seconds for which one run keeps out the next with the same arguments."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the body: once for each tick over all beats, under the run lock where the task wants one."""
        if not self._is_first_tick(args):
            return None
        with self.admitted(*args) as admitted:
            if not admitted:
                return None
            if self.run_lock_s is None:
                return super().__call__(*args, **kwargs)
            name = ":".join((self.name, *map(str, args)))
            with wire.house().cache.lock(name, self.run_lock_s) as lock:
                if not lock.held:
                    log.info(
                        "task_skipped", task=self.name, args=args, reason="the previous run is not finished"
                    )
                    self.when_locked()
                    return None
                return super().__call__(*args, **kwargs)

    def admitted(self, *_args: Any) -> AbstractContextManager[bool]:
        """Whether the run may go ahead now; who says no sees to it that the work is not lost."""
        return nullcontext(True)

    def _is_first_tick(self, args: Any) -> bool:
        """Whether no other beat had this run in this period; what others than beat ask for always runs."""
        period_s = (self.request.headers or {}).get(TICK_HEADER)
        if period_s is None:
            return True
        house, name = wire.house(), ":".join(("tick", self.name, *map(str, args)))
        # Counted from when it was sent: one that waited must not shut out the next, which did not.
        void_at = expires_at(self.request)
        sent_at = house.clock() if void_at is None else void_at - period_s
        left_s = sent_at + TICK_SHARE * period_s - house.clock()
        if house.cache.claim(name, max(left_s, LEAST_CLAIM_S)):
            return True
        log.debug("task_skipped", task=self.name, args=args, reason="another beat has sent it already")
        return False

    def when_locked(self) -> None:
        """What a run does that found the previous one unfinished; nothing, unless a task knows better."""

    def on_failure(self, exc: BaseException, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Say once, in one line, what failed and for whom; the next tick repairs it."""
        del kwargs, einfo
        log.warning(
            "task_failed",
            task=self.name,
            task_id=task_id,
            exchange=getattr(exc, "exchange", args[0] if args else None),
            symbol=getattr(exc, "symbol", None),
            error=type(exc).__name__,
            reason=str(exc),
        )


class FetchTask(MarketTask):
    """A task that asks the exchange which is its first argument, in one of the threads kept for that."""

    abstract = True

    @contextmanager
    def admitted(self, exchange: str, *args: Any) -> Iterator[bool]:
        """A thread's slot; without one the message is put back for a moment, as long as it is valid."""
        settings = wire.house().settings
        with slots_of(settings.fetch_threads, len(settings.exchanges)).taken(exchange) as free:
            if not free:
                self.apply_async((exchange, *args), countdown=PAUSE_S, expires=self.request.expires)
            yield free
