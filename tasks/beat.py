"""The scheduler of beat, made to tell in a line of what it cannot send."""

from __future__ import annotations

import dbm
import time
from typing import TYPE_CHECKING, Any

import structlog
from celery.beat import PersistentScheduler, SchedulingError

from tasks.base import BROKER_AWAY

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger()

SHELF_ERRORS = (OSError, *dbm.error)
QUIET_S = 10.0
"""While ticks cannot be sent, they are told of once in so many seconds."""


class SteadyScheduler(PersistentScheduler):  # type: ignore[misc] # Celery ships no types
    """Celery's own, which logs two stacks for each tick that it cannot send."""

    clock: Callable[[], float] = staticmethod(time.monotonic)
    _quiet_until = float("-inf")
    _unsent = 0
    _told = False

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Send what is due. What cannot be sent is lost and told of: the next tick does the same."""
        self.logger.info("Scheduler: Sending due task %s (%s)", entry.name, entry.task)
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except SchedulingError as error:
            self._tell_of(entry.task, error.__context__ or error)
        else:
            self._tell_of_the_end()

    def _do_sync(self) -> None:
        """Write down what was sent when. Where that fails (a full disk) beat goes on, and says so."""
        try:
            super()._do_sync()
        except SHELF_ERRORS as error:
            log.warning("beat_schedule_not_kept", error=type(error).__name__, reason=str(error))

    def _tell_of(self, task: str, error: BaseException) -> None:
        self._unsent += 1
        now = self.clock()
        if now < self._quiet_until:
            return
        self._quiet_until, self._told = now + QUIET_S, True
        log.warning(
            "ticks_not_sent", task=task, error=type(error).__name__, reason=str(error), unsent=self._unsent,
            exc_info=None if isinstance(error, BROKER_AWAY) else error,
        )  # fmt: skip

    def _tell_of_the_end(self) -> None:
        if not self._told:
            return
        log.info("ticks_sent_again", unsent=self._unsent)
        self._unsent, self._told = 0, False
