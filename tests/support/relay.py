"""The inside of the TCP proxy: its process, its doors, and the connections through them."""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

CHUNK = 64 * 1024
TRICKLE_EVERY_S = 0.01
IDLE_S = 0.5
# SO_LINGER with no time to linger: closing sends RST instead of FIN.
AT_ONCE = struct.pack("ii", 1, 0)


class _Door:
    """One port: the socket that listens there, and how what comes through it fares."""

    def __init__(self) -> None:
        self.mode = "pass"
        self.silent = False
        self.amount = 0.0
        self.port = 0
        self.listener = None


class _Link:
    """One client's connection with its counterpart at the server, and what is under way in each direction."""

    def __init__(self, door: _Door, client: socket.socket, server: socket.socket | None) -> None:
        self.door = door
        self.client = client
        self.server = server
        self.subscribed = False
        self.corrupt = server is None
        # By destination: what is still to be delivered, and when.
        self.under_way = {client: deque(), server: deque()}

    @property
    def swallows(self) -> bool:
        return self.door.mode == "half_open" or (self.door.silent and self.subscribed)

    def other(self, end: socket.socket) -> socket.socket:
        return self.server if end is self.client else self.client

    def schedule(self, to: socket.socket, body: bytes, now: float) -> None:
        queue = self.under_way[to]
        due = max(now, queue[-1][0]) if queue else now
        if self.door.mode == "trickle":
            step = max(1, int(self.door.amount * TRICKLE_EVERY_S))
            for i, start in enumerate(range(0, len(body), step), 1):
                queue.append((due + i * TRICKLE_EVERY_S, body[start : start + step]))
            return
        queue.append((max(due, now + (self.door.amount if self.door.mode == "delay" else 0.0)), body))


class Relay:
    """The loop of the proxy's process."""

    def __init__(self, pipe: Connection, server: tuple[str, int], doors: int) -> None:
        self._pipe = pipe
        self._server = server
        self._selector = selectors.DefaultSelector()
        self._selector.register(pipe, selectors.EVENT_READ, None)
        self._links: set[_Link] = set()
        self._waiting: set[_Link] = set()
        self._doors = [_Door() for _ in range(doors)]
        for door in self._doors:
            self._listen(door)

    def run(self) -> None:
        """Relay until the handle is closed."""
        self._pipe.send(tuple(door.port for door in self._doors))
        while True:
            for key, _ in self._selector.select(self._pause()):
                if key.fileobj is self._pipe:
                    if not self._obey():
                        return
                elif isinstance(key.data, _Door):
                    self._accept(key.data)
                elif key.data in self._links:
                    self._carry(key.data, key.fileobj)
            now = time.monotonic()
            for link in tuple(self._waiting):
                self._deliver(link, now)

    def _pause(self) -> float:
        # A connection that is just being made, or that does not take more, is asked again a little later.
        dues = [queue[0][0] for link in self._waiting for queue in link.under_way.values() if queue]
        now = time.monotonic()
        return min((max(due - now, 0.001) for due in dues), default=IDLE_S)

    def _obey(self) -> bool:
        try:
            what, numbers, *details = self._pipe.recv()
        except (EOFError, OSError):
            return False
        doors = [self._doors[number] for number in numbers]
        links = [link for link in self._links if link.door in doors]
        if what == "cut":
            chosen = [link for link in links if link.subscribed or not details[0]]
            for link in chosen:
                self._drop(link)
            self._pipe.send(len(chosen))
            return True
        for door in doors:
            if what == "silence":
                door.silent = details[0]
            else:
                self._turn(door, *details)
        for link in links:
            if link.door.mode in {"reset", "refuse"} or (link.corrupt and not link.swallows):
                self._drop(link)
        self._pipe.send(len(doors))
        return True

    def _turn(self, door: _Door, mode: str, amount: float) -> None:
        door.mode, door.amount = mode, amount
        if mode == "refuse" and door.listener is not None:
            self._selector.unregister(door.listener)
            door.listener.close()
            door.listener = None
        elif mode != "refuse" and door.listener is None:
            self._listen(door)

    def _listen(self, door: _Door) -> None:
        door.listener = socket.create_server(("127.0.0.1", door.port), backlog=512)
        door.listener.setblocking(False)
        door.port = door.listener.getsockname()[1]
        self._selector.register(door.listener, selectors.EVENT_READ, door)

    def _accept(self, door: _Door) -> None:
        if door.listener is None:
            # It was told to refuse by an order that came with this connection.
            return
        try:
            client, _ = door.listener.accept()
        except OSError:
            return
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = None
        if door.mode in {"pass", "delay", "trickle"}:
            server = socket.socket()
            server.setblocking(False)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server.connect_ex(self._server)
            self._selector.register(server, selectors.EVENT_READ, None)
        link = _Link(door, client, server)
        self._links.add(link)
        self._selector.register(client, selectors.EVENT_READ, link)
        if server is not None:
            self._selector.modify(server, selectors.EVENT_READ, link)
        if door.mode == "reset":
            self._drop(link)

    def _carry(self, link: _Link, end: socket.socket) -> None:
        try:
            body = end.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            body = b""
        if not body:
            self._drop(link)
            return
        if end is link.client and b"SUBSCRIBE" in body.upper():
            link.subscribed = True
        if link.swallows or link.corrupt:
            link.corrupt = True
            return
        now = time.monotonic()
        link.schedule(link.other(end), body, now)
        self._deliver(link, now)

    def _deliver(self, link: _Link, now: float) -> None:
        self._send_due(link, now)
        if link in self._links and any(link.under_way.values()):
            self._waiting.add(link)
        else:
            self._waiting.discard(link)

    def _send_due(self, link: _Link, now: float) -> None:
        for to, queue in link.under_way.items():
            while queue and queue[0][0] <= now:
                if link.swallows:
                    queue.clear()
                    link.corrupt = True
                    break
                due, body = queue[0]
                try:
                    sent = to.send(body)
                except BlockingIOError:
                    break
                except OSError:
                    self._drop(link)
                    return
                queue.popleft()
                if sent < len(body):
                    queue.appendleft((due, body[sent:]))
                    break

    def _drop(self, link: _Link) -> None:
        if link not in self._links:
            return
        self._links.discard(link)
        self._waiting.discard(link)
        for end in (link.client, link.server):
            if end is not None:
                self._selector.unregister(end)
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
                end.close()


def serve(pipe: Connection, server: tuple[str, int], doors: int) -> None:
    """The life of the proxy's process, until the pipe ends."""
    Relay(pipe, server, doors).run()
