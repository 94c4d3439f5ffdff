"""The class under every task: no two runs of one task at once where it says so, failures told with facts."""

from __future__ import annotations

from typing import Any

import structlog
from celery import Task

from market.errors import MarketError
from tasks import wire

log = structlog.get_logger()


class MarketTask(Task):  # type: ignore[misc] # Celery ships no types
    """A task that can hold a run lock while it works and that logs a failure with its exchange and symbol."""

    abstract = True
    throws = (MarketError,)  # expected in operation: told in one line by on_failure, without a traceback
    run_lock_s: float | None = None
    """Longest time in seconds for which one run keeps out the next with the same arguments."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the body, under the run lock where the task wants one."""
        if self.run_lock_s is None:
            return super().__call__(*args, **kwargs)
        name = ":".join((self.name, *map(str, args)))
        with wire.house().cache.lock(name, self.run_lock_s) as lock:
            if not lock.held:
                log.info("task_skipped", task=self.name, args=args, reason="the previous run is not finished")
                self.when_locked()
                return None
            return super().__call__(*args, **kwargs)

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
