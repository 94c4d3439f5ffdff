"""One running system: its processes from the first to the last, and what is told of them."""

from __future__ import annotations

import asyncio
import os
import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ops import ports, ready, state
from ops.state import SystemState
from ops.supervisor import NotStarted, Supervisor

if TYPE_CHECKING:
    import signal

    from ops.decide import Start
    from ops.last_will import LastWill
    from ops.output import Printer
    from ops.signals import StopSignals

_PATIENCE_S = 60.0
# Some launchers pass one Ctrl-C on twice; a person needs longer than this for a second one.
_SECOND_SIGNAL_AFTER_S = 0.3


class System:
    """One running system: brings it up, waits for the order to stop, takes it down."""

    def __init__(self, start: Start, *, printer: Printer, will: LastWill) -> None:
        self._start = start
        self._printer = printer
        self._will = will
        self._shown = False
        self._asked_at: float | None = None
        self._stop = asyncio.Event()
        self._supervisor = Supervisor(
            will=will,
            say=printer.line,
            clock=time.monotonic,
            chance=random.random,
            changed=self._write_state,
        )

    async def live(self, signals: StopSignals) -> int:
        """Run from the first process to the last; returns the exit code."""
        loop = asyncio.get_running_loop()

        def pass_on(order: signal.Signals) -> None:
            loop.call_soon_threadsafe(self._asked_to_stop, order)

        signals.listen(pass_on)
        try:
            return await self._live()
        finally:
            # Everything is stopped: one Ctrl-C more must not break into what is left to clean up.
            signals.ignore()

    async def _live(self) -> int:
        for note in self._start.notes:
            self._say(note)
        starting = asyncio.create_task(self._bring_up())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        failure = starting.exception() if starting.done() else None
        if failure is None:
            await stopping
        else:
            self._say(str(failure))
        starting.cancel()
        stopping.cancel()
        await self._supervisor.stop(self._start.plan.stop_order)
        self._say(f"stopped in {time.time() - (self._asked_at or time.time()):.1f} s")
        if failure is not None and not isinstance(failure, NotStarted):
            raise failure
        return 0 if failure is None else 1

    async def _bring_up(self) -> None:
        for stage in self._start.plan.stages:
            await self._supervisor.start(stage.services, stage.gates)
        url = ports.web_address(self._start.settings.bind_address, self._start.settings.web_port)
        await ready.wait_until_complete(f"{url}/readyz", patience_s=_PATIENCE_S, complain=self._complain)
        self._say(
            f"the first complete dashboard stood {time.time() - self._start.began:.1f} s after the start"
        )
        self._show_addresses()

    def _complain(self, missing: str) -> None:
        down = [name for name, keeper in self._supervisor.keepers.items() if keeper.pid is None]
        rest = f"; not running: {', '.join(down)}" if down else ""
        self._say(f"no complete dashboard after {_PATIENCE_S:.0f} s: {missing}{rest}; still trying")
        self._show_addresses()

    def _show_addresses(self) -> None:
        if self._shown:
            return
        self._shown = True
        for name, address in self._start.addresses.items():
            self._say(f"{name:<10} {address}")
        login = self._start.login
        how = f"password {login.password}" if login.made_here else "the password from FLOWER_PASSWORD"
        # The one place where a login is shown: it was made up here and nobody else knows it.
        self._printer.line("ops", f"{'login':<10} {login.user}, {how}", plain=True)

    def _asked_to_stop(self, order: signal.Signals) -> None:
        now = time.time()
        if self._asked_at is None:
            self._asked_at = now
            self._say(f"{order.name}: stopping; once more to stop at once")
            self._stop.set()
        elif now - self._asked_at > _SECOND_SIGNAL_AFTER_S:
            self._say(f"{order.name} again: ending everything at once")
            self._supervisor.kill()

    def _write_state(self) -> None:
        now = SystemState(
            pid=os.getpid(),
            guard_pid=self._will.pid,
            since=self._start.began,
            addresses=self._start.addresses,
            processes=state.of_keepers(self._supervisor.keepers),
        )
        # A full disk must not end the keeping of processes.
        with suppress(OSError):
            state.write(self._start.folder, now)

    def _say(self, text: str) -> None:
        self._printer.line("ops", text)
