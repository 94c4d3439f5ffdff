"""What the processes say, on one stream: a time and a name before each line, never a credential."""

from __future__ import annotations

import os
import queue
import re
import threading
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LONGEST_LINE = 8192
LONGEST_QUEUE = 10_000
_BATCH = 100
_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
_STYLE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# A log line can carry what an exchange sent; it must not steer the operator's terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Lines:
    """Cuts a stream of bytes into lines, whole ones at once and the rest when it is asked for."""

    def __init__(self, *, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._rest = b""

    def feed(self, piece: bytes) -> list[str]:
        """Take some bytes and return the lines that they complete; a line too long comes in parts."""
        *whole, self._rest = (self._rest + piece).split(b"\n")
        lines = [part for line in whole for part in self._parts(line)]
        if len(self._rest) > self._longest:
            *full, self._rest = self._cut(self._rest)
            lines += [_text(part) for part in full]
        return lines

    def rest(self) -> list[str]:
        """Return the line that has not ended yet, if there is one."""
        rest, self._rest = self._rest, b""
        return self._parts(rest) if rest else []

    def _parts(self, line: bytes) -> list[str]:
        return [_text(part) for part in self._cut(line)]

    def _cut(self, line: bytes) -> list[bytes]:
        starts = range(0, max(1, len(line)), self._longest)
        return [line[start : start + self._longest] for start in starts]


class Printer:
    """Writes lines from its own thread, so that a reader who stops reading stops nothing else.

    When the queue is full, lines are dropped and their number is told; when the reader is gone,
    all are.
    """

    def __init__(
        self,
        *,
        descriptor: int,
        names: Iterable[str],
        colours: bool,
        clock: Callable[[], float] = time.time,
        longest_queue: int = LONGEST_QUEUE,
    ) -> None:
        names = list(names)
        self._descriptor = descriptor
        self._width = max(map(len, names), default=0)
        self._colours = {name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(names)} if colours else {}
        self._clock = clock
        self._secrets: tuple[str, ...] = ()
        self._queue: queue.Queue[str | None] = queue.Queue(longest_queue)
        self._dropped = 0
        self._thread = threading.Thread(target=self._write, name="printer", daemon=True)
        self._thread.start()

    def hide(self, secrets: Iterable[str]) -> None:
        """Print stars instead of these words from now on."""
        self._secrets = tuple(sorted({word for word in secrets if word}, key=len, reverse=True))

    def line(self, name: str, text: str, *, plain: bool = False) -> None:
        """Queue one line of that process; `plain` leaves it as it is, for the one showing of a login."""
        for secret in () if plain else self._secrets:
            text = text.replace(secret, "***")
        now = time.strftime("%H:%M:%S", time.localtime(self._clock()))
        label = f"{now} {name:<{self._width}} |"
        if name in self._colours:
            label = f"\x1b[{self._colours[name]}m{label}\x1b[0m"
        try:
            self._queue.put_nowait(f"{label} {text}\n")
        except queue.Full:
            self._dropped += 1

    def close(self, *, within_s: float = 1.0) -> None:
        """Write what is queued, for as long as that at most."""
        try:
            self._queue.put(None, timeout=within_s)
        except queue.Full:
            return
        self._thread.join(within_s)

    def _write(self) -> None:
        last = False
        while not last:
            texts = [self._queue.get()]
            while texts[-1] is not None and len(texts) < _BATCH and not self._queue.empty():
                texts.append(self._queue.get())
            last = texts[-1] is None
            dropped, self._dropped = self._dropped, 0
            if dropped:
                texts.insert(0, f"({dropped} lines were not shown: nobody read them in time)\n")
            # Not through sys.stdout: a thread that hangs in its lock would hang the exit as well.
            body = "".join(text for text in texts if text is not None).encode()
            try:
                while body:
                    body = body[os.write(self._descriptor, body) :]
            except OSError:
                # The reader is gone; the system runs on without one.
                continue


def wants_colours(stream: TextIO) -> bool:
    """Whether the stream is a terminal whose user has not asked for plain text."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _text(line: bytes) -> str:
    text = _STYLE.sub("", line.decode("utf-8", "replace")).rstrip("\r")
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
