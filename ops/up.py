"""`up`: checks everything, starts everything, keeps it running until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import settings as configuration
from ops import asking, embedded, environ, plan, ports, ready, state
from ops.backends import Finder, NoRedis
from ops.child import adopt_orphans
from ops.last_will import LastWill
from ops.lock import Held, Holder, RunLock
from ops.output import Printer, wants_colours
from ops.procfile import ProcfileError
from ops.signals import StopSignals
from ops.state import RunFolder, SystemState
from ops.supervisor import NotStarted, Supervisor

if TYPE_CHECKING:
    import signal
    from pathlib import Path

    from ops.backends import Backends
    from ops.environ import Login
    from ops.plan import Plan
    from settings import Settings

_REFUSED = 2
_PATIENCE_S = 60.0
# Some launchers pass one Ctrl-C on twice; a person needs longer than this for a second one.
_SECOND_SIGNAL_AFTER_S = 0.3


class Refused(Exception):
    """The start cannot be made as asked; `lines` say why, one sentence each."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(frozen=True, slots=True)
class Start:
    """Everything that was decided before the first process starts."""

    settings: Settings
    backends: Backends
    login: Login
    plan: Plan
    folder: RunFolder
    began: float

    @property
    def addresses(self) -> dict[str, str]:
        """Where a person finds the dashboard and Flower."""
        bind, flower = self.settings.bind_address, ports.loopback(self.settings.bind_address)
        return {
            "dashboard": ports.web_address(bind, self.settings.web_port) + "/",
            "Flower": ports.web_address(flower, self.settings.flower_port) + "/",
        }


def up(*, root: Path, procfile: Path) -> int:
    """Run the system until SIGINT or SIGTERM; returns the exit code, 2 where it cannot start as asked."""
    began = time.time()
    signals = StopSignals()
    lock = None
    try:
        settings, login, folder = _read_settings()
        lock = _take_lock(settings, folder, began)
        start = _decide(settings, login, folder, root=root, procfile=procfile, began=began)
        return _run(start, lock, signals)
    except Refused as refusal:
        for line in refusal.lines:
            print(line, file=sys.stderr)
        return _REFUSED
    finally:
        if lock is not None:
            lock.release()


def _read_settings() -> tuple[Settings, Login, RunFolder]:
    try:
        settings = configuration.load()
    except configuration.SettingsError as error:
        raise Refused(*error.lines) from None
    login = environ.flower_login(settings)
    lines = environ.login_problems(login)
    if lines:
        raise Refused(*lines)
    return settings, login, RunFolder(settings.var_dir.absolute())


def _take_lock(settings: Settings, folder: RunFolder, began: float) -> RunLock:
    web = ports.web_address(settings.bind_address, settings.web_port)
    try:
        return RunLock.take(folder.lock, Holder(pid=os.getpid(), since=began, web=web))
    except Held as held:
        taken = held.holder.sentence(folder.var) if held.holder else f"{folder.var} is in use"
        raise Refused(taken) from None
    except OSError as error:
        raise Refused(
            f"VAR_DIR: got {str(folder.var)!r}; want a folder to write in ({error.strerror})"
        ) from None


def _decide(
    settings: Settings, login: Login, folder: RunFolder, *, root: Path, procfile: Path, began: float
) -> Start:
    finder = Finder(
        ask_redis=asking.ask_redis,
        broker_warning=asking.eviction_warning,
        ask_memcached=asking.ask_memcached,
        find_redis=embedded.find_redis,
        find_memcached=embedded.find_memcached,
        free_port=ports.free_port,
    )
    try:
        backends = finder.find(settings, folder=folder.path)
    except (NoRedis, ports.NoFreePort) as error:
        raise Refused(str(error)) from None
    lines = ports.problems(plan.wanted_ports(settings, backends))
    if lines:
        raise Refused(*lines)
    try:
        laid_out = plan.make(
            settings,
            backends,
            login=login,
            procfile_text=procfile.read_text(),
            root=root,
            python=sys.executable,
            inherited=os.environ,
        )
    except (OSError, ProcfileError) as error:
        raise Refused(f"{procfile.name}: {error}") from None
    return Start(settings, backends, login, laid_out, folder, began)


def _run(start: Start, lock: RunLock, signals: StopSignals) -> int:
    colours = wants_colours(sys.stdout)
    printer = Printer(descriptor=sys.stdout.fileno(), names=["ops", *start.plan.names], colours=colours)
    printer.hide([*start.backends.secrets(), start.login.password])
    adopt_orphans()
    will = LastWill(keep_open=(lock.descriptor,))
    try:
        environ.write(start.folder.environment, start.plan.values)
        return asyncio.run(_System(start, printer=printer, will=will).live(signals))
    finally:
        will.close()
        start.folder.clear()
        printer.close()


class _System:
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
            # The loop is about to close, and everything is stopped: nothing more to ask for.
            signals.listen(lambda _: None)

    async def _live(self) -> int:
        for note in self._start.backends.notes:
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
            self._say(f"{name:<9} {address}")
        login = self._start.login
        how = f"password {login.password}" if login.made_here else "the password from FLOWER_PASSWORD"
        # The one place where a login is shown: it was made up here and nobody else knows it.
        self._printer.line("ops", f"{'login':<9} {login.user}, {how}", plain=True)

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
        state.write(
            self._start.folder,
            SystemState(
                pid=os.getpid(),
                guard_pid=self._will.pid,
                since=self._start.began,
                addresses=self._start.addresses,
                processes=state.of_keepers(self._supervisor.keepers),
            ),
        )

    def _say(self, text: str) -> None:
        self._printer.line("ops", text)
