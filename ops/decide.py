"""Everything that is found out before the first process starts, and every reason not to start."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import settings as configuration
from checks import fetchers_warning
from ops import asking, embedded, environ, plan, ports
from ops.backends import Finder, NoRedis
from ops.lock import Held, Holder, RunLock
from ops.procfile import ProcfileError
from ops.state import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    from ops.backends import Backends
    from ops.environ import Login
    from ops.plan import Plan
    from settings import Settings


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
    def notes(self) -> tuple[str, ...]:
        """What is to be told before anything starts: the servers, and what is allowed but not wise."""
        of = self.settings
        threads = fetchers_warning(of.exchanges, processes=of.fetcher_processes, threads=of.fetch_threads)
        return (*self.backends.notes, *filter(None, (threads,)))

    @property
    def addresses(self) -> dict[str, str]:
        """Where a person finds the dashboard and Flower, and each simulated exchange by its id."""
        bind, flower = self.settings.bind_address, ports.loopback(self.settings.bind_address)
        return {
            "dashboard": ports.web_address(bind, self.settings.web_port) + "/",
            "Flower": ports.web_address(flower, self.settings.flower_port) + "/",
            **{name: self.settings.simulator_url(name) + "/" for name in self.settings.simulated_exchanges()},
        }


def read_settings() -> tuple[Settings, Login, RunFolder]:
    """Return the checked settings, the login of Flower and the folder, or raise Refused."""
    try:
        settings = configuration.load()
    except configuration.SettingsError as error:
        raise Refused(*error.lines) from None
    login = environ.flower_login(settings)
    lines = environ.login_problems(login)
    if lines:
        raise Refused(*lines)
    return settings, login, RunFolder(settings.var_dir.absolute())


def take_lock(settings: Settings, folder: RunFolder, began: float) -> RunLock:
    """Take the folder for this process, or raise Refused naming who has it."""
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


def decide(
    settings: Settings, login: Login, folder: RunFolder, *, root: Path, procfile: Path, began: float
) -> Start:
    """Find the servers, check the ports, lay out the processes; raises Refused where one of it fails."""
    finder = Finder(
        ask_redis=asking.ask_redis,
        broker_warning=asking.eviction_warning,
        ask_memcached=asking.ask_memcached,
        find_redis=embedded.find_redis,
        find_memcached=embedded.find_memcached,
        free_port=ports.free_port,
    )
    try:
        backends = finder.find(settings, folder=folder.path, kept=folder.redis)
        for server in backends.plans:
            server.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (NoRedis, ports.NoFreePort) as error:
        raise Refused(str(error)) from None
    except OSError as error:
        raise Refused(f"VAR_DIR: got {str(folder.var)!r}; {error.filename} cannot be made") from None
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
