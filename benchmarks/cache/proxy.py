"""A TCP proxy before a server: it counts requests, and cuts subscriptions when told to."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self

CHUNK = 1 << 20


class Proxy:
    """Forwards both ways. `requests` has the beginning of each request of a client.

    A request ends when the server answers, however many pieces it travelled in.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self.requests: list[bytes] = []
        self._subscribers: set[socket.socket] = set()
        self._sockets: set[socket.socket] = set()
        self._cut = ""

    def cut_subscriptions(self, *, silently: bool) -> None:
        """Close what has subscribed or will, or (silently) leave it open and swallow what it is told."""
        self._cut = "silent" if silently else "closed"
        if not silently:
            self._close_subscriptions()

    def mend(self) -> None:
        """Let subscriptions pass again; those that were deaf are closed."""
        was, self._cut = self._cut, ""
        if was == "silent":
            self._close_subscriptions()

    def _close_subscriptions(self) -> None:
        for one in tuple(self._subscribers):
            _shut(one)
        self._subscribers.clear()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        _shut(self._listening)
        for one in tuple(self._sockets):
            _shut(one)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._server, timeout=2)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            self._sockets |= {client, server}
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            asking = threading.Event()
            for work in (self._requests_of, self._answers_to):
                threading.Thread(target=work, args=(client, server, asking), daemon=True).start()

    def _requests_of(self, client: socket.socket, server: socket.socket, asking: threading.Event) -> None:
        while piece := _received(client):
            if b"SUBSCRIBE" in piece or b"TRACKING" in piece:
                self._subscribers.add(client)
                if self._cut == "closed":
                    break
            if not asking.is_set():
                asking.set()
                self.requests.append(piece[:200])
            if not _sent(server, piece):
                break
        _shut(client)
        _shut(server)

    def _answers_to(self, client: socket.socket, server: socket.socket, asking: threading.Event) -> None:
        while piece := _received(server):
            asking.clear()
            if self._cut and client in self._subscribers:
                continue
            if not _sent(client, piece):
                break
        _shut(server)
        _shut(client)


def _received(one: socket.socket) -> bytes:
    try:
        return one.recv(CHUNK)
    except OSError:
        return b""


def _sent(one: socket.socket, piece: bytes) -> bool:
    try:
        one.sendall(piece)
    except OSError:
        return False
    return True


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        one.close()
