"""Keeps one service running: starts it, says how it died, starts it again after a pause."""

from __future__ import annotations

import asyncio
import subprocess
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from ops.child import Child, how_it_ended

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops.backoff import Backoff
    from ops.child import Service
    from ops.last_will import LastWill


_LAST_LINES = 10


class Keeper:
    """The present child of one service, and the count of those before it."""

    def __init__(
        self,
        service: Service,
        *,
        backoff: Backoff,
        will: LastWill,
        say: Callable[[str, str], None],
        clock: Callable[[], float],
        changed: Callable[[], None],
    ) -> None:
        self.service = service
        self.restarts = 0
        self.last_line = ""
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._backoff = backoff
        self._will = will
        self._say = say
        self._clock = clock
        self._changed = changed
        self._child: Child | None = None
        self._stopping = asyncio.Event()
        self._killed = False
        self._keeping: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process id, which is the group's as well; None between two runs."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Begin to keep it running."""
        self._keeping = asyncio.create_task(self._keep(), name=f"keep {self.service.name}")

    async def stop(self, *, within_s: float) -> None:
        """Ask it to stop, end its group when it does not in time; returns when nothing is left."""
        self._stopping.set()
        if self._child is not None:
            self._child.ask_to_stop(self.service.stop_signal)
        if self._keeping is None:
            return
        try:
            await asyncio.wait_for(asyncio.shield(self._keeping), within_s)
        except TimeoutError:
            self._say("ops", f"{self.service.name} did not stop within {within_s:.1f} s and is killed")
            self.kill()
            await self._keeping

    def kill(self) -> None:
        """End its group at once, for good."""
        self._stopping.set()
        self._killed = True
        if self._child is not None:
            self._child.kill()

    async def _keep(self) -> None:
        while not self._stopping.is_set():
            started = self._clock()
            how = await self._run_once()
            if self._stopping.is_set():
                return
            delay_s = self._backoff.delay_s(self._clock() - started)
            self.restarts += 1
            self._changed()
            self._say("ops", f"{self.service.name} died ({how}); starting it again in {delay_s:.1f} s")
            if self.service.remedy and (line := self.service.remedy(self._last_lines)):
                self._say("ops", line)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay_s)

    def _pass_on(self, line: str) -> None:
        if not any(words in line for words in self.service.hushed):
            self.last_line = line.strip() or self.last_line
            self._last_lines.append(line)
            self._say(self.service.name, line)

    async def _run_once(self) -> str:
        self._last_lines.clear()
        try:
            child = await Child.start(self.service, self._pass_on)
        except OSError as error:
            return f"cannot be started: {error.strerror or error}"
        except subprocess.SubprocessError as error:
            return f"cannot be started: {error}"
        self._will.add(child.pid)
        self._child = child
        # The order to end may have come while it was being started.
        if self._killed:
            child.kill()
        elif self._stopping.is_set():
            child.ask_to_stop(self.service.stop_signal)
        self._changed()
        try:
            return how_it_ended(await child.ended)
        finally:
            self._child = None
            self._will.remove(child.pid)
