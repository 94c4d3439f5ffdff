"""Other processes: each runs named functions of this package when asked, and keeps what they leave."""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from typing import TYPE_CHECKING, Any, Self

from benchmarks.cache.hush import hush

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

ANSWER_WITHIN_S = 60.0
# What the functions of one worker process keep from one call to the next.
kept: dict[str, Any] = {}


class Worker:
    """A process started afresh (not forked) that answers one call after the other."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def send(self, function: Callable[..., Any], *args: Any) -> None:
        """Have it run a module's function; `answer` waits for what it returned."""
        self._pipe.send((function, args))

    def answer(self, within_s: float = ANSWER_WITHIN_S) -> Any:
        """What the call that was sent returned; raises TimeoutError, or what it said when it failed."""
        if not self._pipe.poll(within_s):
            raise TimeoutError("a worker process does not answer")
        well, answer = self._pipe.recv()
        assert well, answer
        return answer

    def ask(self, function: Callable[..., Any], *args: Any) -> Any:
        """Send, and wait for the answer."""
        self.send(function, *args)
        return self.answer()

    def kill(self) -> None:
        """End it with SIGKILL, whatever it is doing."""
        os.kill(self.process.pid or 0, signal.SIGKILL)
        self.process.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.is_alive():
            self.process.kill()
        self.process.join()


def ask_all(workers: list[Worker], function: Callable[..., Any], *args: Any) -> list[Any]:
    """The answers of all of them to the same call, made at the same time."""
    for worker in workers:
        worker.send(function, *args)
    return [worker.answer() for worker in workers]


def _serve(pipe: Connection) -> None:
    hush()
    while True:
        try:
            function, args = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send((True, function(*args)))
        except Exception:  # noqa: BLE001 - whatever it was, the one who asked is told
            pipe.send((False, traceback.format_exc()))
