"""Memcached in batches over a pymemcache connection: one write, one read, bounded in time.

pymemcache's own batch parser takes nine tenths of a batch's time; this one splits a whole answer
at once, checks every length, and goes through it line by line where that does not come out even.
"""

from __future__ import annotations

import socket
import struct
import time
from typing import TYPE_CHECKING

from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheUnexpectedCloseError, MemcacheUnknownError

if TYPE_CHECKING:
    from collections.abc import Sequence

CHUNK = 1 << 16
END = b"\r\n"
LAST = b"END\r\n"
OVERDUE = "memcached took longer than its budget"
STORED = b"STORED"
VALUE = b"VALUE "
BETWEEN = END + VALUE
# How the header of a value goes on after its key, by the value's length: cheaper looked up than parsed.
_TAILS = {length: b" 0 %d" % length for length in range(2048)}
_TIMEVAL = struct.Struct("ll")


class BatchClient(Client):  # type: ignore[misc]  # pymemcache carries no types
    """Adds whole batches with a life of their own for each key. `deadline` is monotonic seconds.

    Raises OSError or a pymemcache error; the connection is closed then, so that no late answer
    can be taken for another's.
    """

    _patience_s = 0.0

    def fetch_batch(self, keys: Sequence[bytes], deadline: float) -> list[bytes | None]:
        """The values, in the order of the keys; None where there is none."""
        answer = self._asked(b"get " + b" ".join(keys) + END, deadline)
        if not answer.endswith(LAST):
            answer = self._rest_of(answer, deadline)
        bodies = _split(answer, keys)
        if bodies is not None:
            return bodies
        found = _Lines(self, answer, deadline).values()
        return [found[key][0] if key in found else None for key in keys]

    def fetch_marked(self, keys: Sequence[bytes], deadline: float) -> dict[bytes, tuple[bytes, bytes]]:
        """The values found, each with the server's mark of its present state, for `swap_batch`."""
        answer = self._asked(b"gets " + b" ".join(keys) + END, deadline)
        return _Lines(self, self._rest_of(answer, deadline), deadline).values()

    def swap_batch(self, items: Sequence[tuple[bytes, bytes, int, bytes]], deadline: float) -> list[bytes]:
        """Store (key, value, seconds, mark) where the mark is still true; the server's word for each."""
        parts: list[bytes] = []
        for key, body, seconds, mark in items:
            parts += (b"cas %s 0 %d %d %s\r\n" % (key, seconds, len(body), mark), body, END)
        return self._words(b"".join(parts), len(items), deadline)

    def store_batch(
        self, verb: bytes, items: Sequence[tuple[bytes, bytes, int]], deadline: float
    ) -> list[bytes]:
        """Store (key, value, seconds) triples with `set` or `add`; the server's word for each."""
        parts: list[bytes] = []
        for key, body, seconds in items:
            parts += (b"%s %s 0 %d %d\r\n" % (verb, key, seconds, len(body)), body, END)
        return self._words(b"".join(parts), len(items), deadline)

    def drop_batch(self, keys: Sequence[bytes], deadline: float) -> list[bytes]:
        """Delete; the server's word for each."""
        return self._words(b"".join([b"delete %s\r\n" % key for key in keys]), len(keys), deadline)

    def _words(self, request: bytes, count: int, deadline: float) -> list[bytes]:
        answer = self._asked(request, deadline)
        while answer.count(END) < count or not answer.endswith(END):
            answer += self.more(deadline)
        words = answer.split(END)[:-1]
        if len(words) != count:
            raise MemcacheUnknownError(f"{len(words)} words for {count} items")
        return words

    def _asked(self, request: bytes, deadline: float) -> bytes:
        """Send, and return the beginning of the answer."""
        if self.sock is None:
            self._connect()
        self._be_patient_for(deadline - time.monotonic())
        try:
            sent = self.sock.send(request)
            while sent < len(request):
                # The kernel bounds each wait, but not their number.
                self._be_in_time(deadline)
                sent += self.sock.send(memoryview(request)[sent:])
        except BlockingIOError:
            raise TimeoutError(OVERDUE) from None
        return self._received()

    def _rest_of(self, answer: bytes, deadline: float) -> bytes:
        """Receive until the answer seems to be over: a value may look like its end, so that is not sure."""
        parts, tail = [answer], answer[-len(LAST) :]
        while tail != LAST and (answer.startswith(VALUE) or not tail.endswith(END)):
            part = self.more(deadline)
            parts.append(part)
            tail = (tail + part)[-len(LAST) :]
        return b"".join(parts)

    def more(self, deadline: float) -> bytes:
        """The next part of an answer, if there is time left for it."""
        self._be_in_time(deadline)
        return self._received()

    @staticmethod
    def _be_in_time(deadline: float) -> None:
        if time.monotonic() >= deadline:
            raise TimeoutError(OVERDUE)

    def _connect(self) -> None:
        super()._connect()
        self._patience_s = 0.0

    def _received(self) -> bytes:
        try:
            part: bytes = self.sock.recv(CHUNK)
        except BlockingIOError:
            # So the kernel says that the time is over.
            raise TimeoutError(OVERDUE) from None
        if not part:
            raise MemcacheUnexpectedCloseError
        return part

    def _be_patient_for(self, seconds: float) -> None:
        """Bound every wait of the socket, in the kernel: Python's own time-out costs a poll for each call."""
        if abs(seconds - self._patience_s) <= 0.1 * self._patience_s:
            return
        if seconds <= 0:
            raise TimeoutError(OVERDUE)
        whole, part = divmod(seconds, 1)
        timeval = _TIMEVAL.pack(int(whole), max(1, int(part * 1_000_000)))
        self.sock.settimeout(None)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)
        self._patience_s = seconds


def _split(answer: bytes, keys: Sequence[bytes]) -> list[bytes | None] | None:
    """A whole answer taken apart at once; None when the lengths say that it must be read line by line."""
    bodies: list[bytes | None] = []
    if answer == LAST:
        return [None] * len(keys)
    if not answer.startswith(VALUE):
        return None
    add, wanted = bodies.append, iter(keys)
    for chunk in answer[len(VALUE) : -len(END + LAST)].split(BETWEEN):
        head, _, body = chunk.partition(END)
        length = len(body)
        tail = _TAILS.get(length) or b" 0 %d" % length
        # The server answers in the order of the keys, and leaves out what it does not have.
        for key in wanted:
            if head == key + tail:
                add(body)
                break
            add(None)
        else:
            return None
    bodies += [None] * (len(keys) - len(bodies))
    return bodies


class _Lines:
    """Reads an answer line by line and block by block, receiving more of it where it ends too soon."""

    def __init__(self, client: BatchClient, answer: bytes, deadline: float) -> None:
        self._client = client
        self._deadline = deadline
        self._buffer = answer
        self._at = 0

    def values(self) -> dict[bytes, tuple[bytes, bytes]]:
        """The values and marks by their keys; raises MemcacheUnknownError for an answer that is none."""
        found: dict[bytes, tuple[bytes, bytes]] = {}
        while (line := self._line()) != b"END":
            # VALUE key flags length, and the mark if it was asked for
            word, key, _, length, mark = (*line.split(b" "), b"", b"", b"", b"")[:5]
            if word != b"VALUE" or not length.isdigit():
                raise MemcacheUnknownError(line[:80])
            found[key] = (self._block(int(length)), mark)
        return found

    def _line(self) -> bytes:
        while (end := self._buffer.find(END, self._at)) < 0:
            self._extend(1)
        line = self._buffer[self._at : end]
        self._at = end + len(END)
        return line

    def _block(self, length: int) -> bytes:
        stop = self._at + length
        self._extend(stop + len(END) - len(self._buffer))
        block = self._buffer[self._at : stop]
        self._at = stop + len(END)
        return block

    def _extend(self, missing: int) -> None:
        parts = [self._buffer]
        while missing > 0:
            parts.append(self._client.more(self._deadline))
            missing -= len(parts[-1])
        self._buffer = b"".join(parts)
