"""A TCP proxy that a test puts between a client and its server, to break the way between them at will.

It runs in a process of its own, so that the test's own work does not slow it. It has one or several doors
(ports); every fault can be confined to some of them, so that one client is cut off and another is not.
"""

from __future__ import annotations

import multiprocessing
from threading import Lock
from typing import TYPE_CHECKING

from tests.support.relay import serve

if TYPE_CHECKING:
    from collections.abc import Collection


# It takes a moment to start, and more of them on a machine that is busy.
ANSWER_WITHIN_S = 30.0


class Proxy:
    """The handle, for any thread: a method returns when it has been done. `ports` has one for each door."""

    def __init__(self, host: str, port: int, *, doors: int = 1) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._talking = Lock()
        self._process = context.Process(
            target=serve, args=(theirs, (host, port), doors), name="proxy", daemon=True
        )
        self._process.start()
        theirs.close()
        self.ports: tuple[int, ...] = self._answer()

    @property
    def address(self) -> str:
        """The first door as host:port."""
        return f"127.0.0.1:{self.ports[0]}"

    def heal(self, doors: Collection[int] | None = None) -> None:
        """Let everything pass again. Connections that lost bytes meanwhile are reset: they are corrupt."""
        self._tell("mode", doors, "pass", 0.0)

    def delay(self, seconds: float, doors: Collection[int] | None = None) -> None:
        """Deliver everything this much later, in each direction."""
        self._tell("mode", doors, "delay", seconds)

    def trickle(self, bytes_per_s: float, doors: Collection[int] | None = None) -> None:
        """Deliver only so many bytes a second, on each connection and in each direction."""
        self._tell("mode", doors, "trickle", bytes_per_s)

    def half_open(self, doors: Collection[int] | None = None) -> None:
        """Accept and swallow; nothing is delivered any more, and nobody is told."""
        self._tell("mode", doors, "half_open", 0.0)

    def reset(self, doors: Collection[int] | None = None) -> None:
        """Reset every connection, and each new one as soon as it is made."""
        self._tell("mode", doors, "reset", 0.0)

    def refuse(self, doors: Collection[int] | None = None) -> None:
        """Reset every connection and listen no more."""
        self._tell("mode", doors, "refuse", 0.0)

    def silence_subscriptions(self, doors: Collection[int] | None = None) -> None:
        """Swallow what goes over connections in SUBSCRIBE, whatever happens to the others."""
        self._tell("silence", doors, True)

    def hear_subscriptions(self, doors: Collection[int] | None = None) -> None:
        """Undo `silence_subscriptions`; those that lost messages meanwhile are reset."""
        self._tell("silence", doors, False)

    def cut(self, doors: Collection[int] | None = None) -> int:
        """Reset the connections of this moment, once; how many there were."""
        return self._tell("cut", doors, False)

    def cut_subscriptions(self, doors: Collection[int] | None = None) -> int:
        """Reset the connections that are in SUBSCRIBE, once; how many there were."""
        return self._tell("cut", doors, True)

    def close(self) -> None:
        """End the proxy and every connection through it."""
        self._pipe.close()
        self._process.join(ANSWER_WITHIN_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _tell(self, what: str, doors: Collection[int] | None, *details: object) -> int:
        wanted = range(len(self.ports)) if doors is None else doors
        with self._talking:
            self._pipe.send((what, tuple(wanted), *details))
            return self._answer()

    def _answer(self):
        if not self._pipe.poll(ANSWER_WITHIN_S):
            raise TimeoutError("the proxy does not answer")
        return self._pipe.recv()
