"""One run of one program: its own session and group, its output line by line, its whole end."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from ops.output import Lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PRCTL = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None
_PARTIAL_LINE_AFTER_S = 0.5
_LAST_WORDS_WITHIN_S = 1.0
_POLL_S = 0.01
_GROUP_GONE_POLLS = 200


@dataclass(frozen=True, slots=True)
class Service:
    """What is to be kept running; the environment may hold credentials and is never shown.

    Lines that contain one of `hushed` are not passed on; `stop_signal` asks it to stop. `remedy` is called
    after a death with the last lines, may put right what it died of, and returns a line if it did.
    """

    name: str
    argv: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str] = field(repr=False)
    stop_within_s: float = 2.0
    hushed: tuple[str, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    remedy: Callable[[Sequence[str]], str | None] | None = None


class Child:
    """A started program. `ended` completes when neither it nor anything of its group is left."""

    def __init__(self, process: subprocess.Popen[bytes], speech: _Speech) -> None:
        self.pid = process.pid
        self._process = process
        self._speech = speech
        self.ended: asyncio.Task[int] = asyncio.create_task(self._see_out(), name=f"see out {self.pid}")

    @classmethod
    async def start(cls, service: Service, say: Callable[[str], None]) -> Child:
        """Start the program; raises OSError when it cannot be started."""
        process = _spawn(service)
        _, speech = await asyncio.get_running_loop().connect_read_pipe(lambda: _Speech(say), process.stdout)
        return cls(process, speech)

    def ask_to_stop(self, order: signal.Signals) -> None:
        """Send the signal to the program, and to it alone."""
        if not self.ended.done():
            with suppress(ProcessLookupError):
                os.kill(self.pid, order)

    def kill(self) -> None:
        """End its whole group at once."""
        if not self.ended.done():
            _kill_group(self.pid)

    async def _see_out(self) -> int:
        await _exit_of(self._process)
        # While the leader is not reaped its group's number cannot belong to anybody else.
        _kill_group(self.pid)
        code = self._process.wait()
        for _ in range(_GROUP_GONE_POLLS):
            if _group_is_gone(self.pid):
                break
            await asyncio.sleep(_POLL_S)
        await self._speech.finish(within_s=_LAST_WORDS_WITHIN_S)
        return code


class _Speech(asyncio.Protocol):
    """Passes on whole lines at once, and an unfinished one when nothing follows for half a second."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._lines = Lines()
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.ReadTransport | None = None
        self._closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.ReadTransport", transport)

    def data_received(self, data: bytes) -> None:
        for line in self._lines.feed(data):
            self._say(line)
        self._cancel()
        self._timer = asyncio.get_running_loop().call_later(_PARTIAL_LINE_AFTER_S, self._flush)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the end is the end
        self._cancel()
        self._flush()
        self._closed.set()

    async def finish(self, *, within_s: float) -> None:
        """Wait for the end of the output; somebody outside the group may hold it open, so not for ever."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closed.wait(), within_s)
        if self._transport is not None:
            self._transport.close()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _flush(self) -> None:
        for line in self._lines.rest():
            self._say(line)


def how_it_ended(code: int) -> str:
    """Say in words what a return code means: an exit code, or the name of the signal."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def adopt_orphans() -> None:
    """Become the parent of what a dead child leaves behind, so that it can be ended and reaped."""
    if _PRCTL is not None:
        _PRCTL(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _spawn(service: Service) -> subprocess.Popen[bytes]:
    parent = os.getpid()
    # Only from the main thread: the kernel's death signal watches the thread that forked.
    return subprocess.Popen(
        service.argv,
        cwd=service.cwd,
        env=dict(service.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        # Safe beside the printer's thread: it takes no lock and calls the kernel twice.
        preexec_fn=lambda: _die_with(parent),  # noqa: PLW1509
    )


def _die_with(parent: int) -> None:
    if _PRCTL is not None:
        _PRCTL(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        # The parent died before the line above took hold.
        os._exit(1)


async def _exit_of(process: subprocess.Popen[bytes]) -> None:
    """Return when the process has ended, without reaping it where the system allows that."""
    if sys.platform != "linux":
        # There is nothing to wait on but the process itself.
        while process.poll() is None:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_S)
        return
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    descriptor = os.pidfd_open(process.pid)
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _kill_group(group: int) -> None:
    # PermissionError: macOS gives it for a group of which only a dead process is left.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _group_is_gone(group: int) -> bool:
    with suppress(ChildProcessError):
        while os.waitpid(-group, os.WNOHANG)[0]:
            pass
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return True
    return False
