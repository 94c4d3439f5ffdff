"""Memcached in batches over a pymemcache connection: one write, one read, bounded in time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheUnexpectedCloseError, MemcacheUnknownError

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

CHUNK = 1 << 18
END = b"\r\n"


class BatchClient(Client):  # type: ignore[misc]  # pymemcache carries no types
    """Adds whole batches with a life of their own for each key. `deadline` is monotonic seconds.

    Raises OSError or a pymemcache error; the connection is closed then, so that no late answer
    can be taken for another's.
    """

    def fetch_batch(self, keys: Sequence[bytes], deadline: float) -> dict[bytes, bytes]:
        """The values found."""
        found: dict[bytes, bytes] = {}
        lines = _Lines(self._ready(), deadline)
        lines.send(b"get " + b" ".join(keys) + END)
        while (line := lines.line()) != b"END":
            word, key, _flags, length = _fields(line)
            if word != b"VALUE":
                raise MemcacheUnknownError(line[:80])
            found[key] = lines.block(int(length))
        return found

    def store_batch(
        self, verb: bytes, items: Sequence[tuple[bytes, bytes, int]], deadline: float
    ) -> list[bytes]:
        """Store (key, value, seconds) triples with `set` or `add`; the server's word for each."""
        lines = _Lines(self._ready(), deadline)
        parts: list[bytes] = []
        for key, body, seconds in items:
            parts += (b"%s %s 0 %d %d\r\n" % (verb, key, seconds, len(body)), body, END)
        lines.send(b"".join(parts))
        return [lines.line() for _ in items]

    def drop_batch(self, keys: Sequence[bytes], deadline: float) -> list[bytes]:
        """Delete; the server's word for each."""
        lines = _Lines(self._ready(), deadline)
        lines.send(b"".join(b"delete %s\r\n" % key for key in keys))
        return [lines.line() for _ in keys]

    def _ready(self) -> socket.socket:
        if self.sock is None:
            self._connect()
        connected: socket.socket = self.sock
        return connected


class _Lines:
    """Reads lines and blocks from a socket, until a deadline."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline
        self._buffer = b""
        self._at = 0

    def send(self, body: bytes) -> None:
        self._sock.settimeout(self._left())
        self._sock.sendall(body)

    def line(self) -> bytes:
        while (end := self._buffer.find(END, self._at)) < 0:
            self._more(1)
        line = self._buffer[self._at : end]
        self._at = end + 2
        return line

    def block(self, length: int) -> bytes:
        missing = self._at + length + 2 - len(self._buffer)
        if missing > 0:
            self._more(missing)
        block = self._buffer[self._at : self._at + length]
        self._at += length + 2
        return block

    def _more(self, missing: int) -> None:
        parts = [self._buffer[self._at :]]
        while missing > 0:
            self._sock.settimeout(self._left())
            part = self._sock.recv(CHUNK)
            if not part:
                raise MemcacheUnexpectedCloseError
            parts.append(part)
            missing -= len(part)
        self._buffer = b"".join(parts)
        self._at = 0

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("memcached took longer than its budget")
        return left


def _fields(line: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    parts = line.split(b" ")
    if len(parts) != 4:  # noqa: PLR2004 (VALUE key flags length)
        raise MemcacheUnknownError(line[:80])
    return parts[0], parts[1], parts[2], parts[3]
