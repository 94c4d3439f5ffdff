"""The stream's server: one asyncio loop, one frame per change, any number of readers."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog
from websockets.asyncio.server import broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from cache.catalogue import DASHBOARD
from webapp.stream.admission import HEALTH, Refusal, stranger, view_of
from webapp.stream.notices import notice
from webapp.words import VIEWS

if TYPE_CHECKING:
    from websockets.asyncio.server import Server, ServerConnection
    from websockets.http11 import Request, Response

    from cache import TieredCache
    from cache.entry import Change
    from webapp.published import Shelf

log = structlog.get_logger(__name__)

MOST_CLIENTS = 2_000
MOST_BYTES_IN = 256
MOST_BYTES_WAITING = 64 * 1024
PING_S = 20.0
LOOK_AGAIN_S = 5.0  # should a message of the cache be lost, or its messages be switched off
CLOSE_S = 1.0


class Stream:
    """Tells its clients when a published view has changed.

    The cache is asked on a thread, never on the loop. A client that does not read is dropped when
    `MOST_BYTES_WAITING` wait for it; one that talks is closed, for there is nothing to say.
    """

    def __init__(self, *, cache: TieredCache, shelf: Shelf, most_clients: int = MOST_CLIENTS) -> None:
        self._cache = cache
        self._shelf = shelf
        self._most_clients = most_clients
        self._clients: dict[str, set[ServerConnection]] = {view: set() for view in VIEWS}
        self._latest: dict[str, str] = {}
        self._views: dict[ServerConnection, str] = {}

    @property
    def clients(self) -> frozenset[ServerConnection]:
        """Who is connected, handshakes included."""
        return frozenset(self._views)

    async def run(self, *, host: str, port: int, stop: asyncio.Event, listening: asyncio.Event) -> None:
        """Serve until `stop` is set; `listening` is set once clients can connect."""
        changed = asyncio.Event()
        loop = asyncio.get_running_loop()

        def on_change(_: Change) -> None:
            loop.call_soon_threadsafe(changed.set)

        unsubscribe = await asyncio.to_thread(self._cache.subscribe, on_change, [DASHBOARD])
        server = await serve(
            self._attend, host, port,
            process_request=self._admit, max_size=MOST_BYTES_IN, max_queue=1, compression=None,
            ping_interval=PING_S, ping_timeout=PING_S, close_timeout=CLOSE_S, server_header=None,
        )  # fmt: skip
        pump = asyncio.create_task(self._pump(changed))
        listening.set()
        log.info("stream_listening", host=host, port=port)
        try:
            stopping = asyncio.create_task(stop.wait())
            # The pump only ends by an error, and that must end the process: ops starts it again.
            await asyncio.wait({pump, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if pump.done():
                pump.result()
        finally:
            unsubscribe()
            pump.cancel()
            await self._close(server)
            log.info("stream_stopped")

    async def _close(self, server: Server) -> None:
        server.close(close_connections=True, code=CloseCode.GOING_AWAY)
        try:
            await asyncio.wait_for(server.wait_closed(), 2 * CLOSE_S)
        except TimeoutError:
            for client in tuple(self._views):
                client.transport.abort()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path == HEALTH:
            return connection.respond(HTTPStatus.OK, "ok\n")
        view = view_of(request.path)
        if isinstance(view, Refusal):
            return connection.respond(view.status, f"{view.reason}\n")
        if stranger(request.headers.get("Origin"), request.headers.get("Host")):
            return connection.respond(HTTPStatus.FORBIDDEN, "pages of other hosts may not listen\n")
        if len(self._views) >= self._most_clients:
            log.warning("stream_full", clients=len(self._views))
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "too many clients\n")
        # Counted from here on, or a burst of handshakes would all find room.
        self._views[connection] = view
        connection.connection_lost_waiter.add_done_callback(lambda _: self._forget(connection))
        return None

    def _forget(self, connection: ServerConnection) -> None:
        view = self._views.pop(connection, None)
        if view is not None:
            self._clients[view].discard(connection)

    async def _attend(self, connection: ServerConnection) -> None:
        view = self._views[connection]
        self._clients[view].add(connection)
        try:
            if view in self._latest:
                await connection.send(self._latest[view])
            async for _ in connection:
                await connection.close(CloseCode.POLICY_VIOLATION, "this stream only speaks")
        except ConnectionClosed:
            pass  # the usual end
        finally:
            self._forget(connection)

    async def _pump(self, changed: asyncio.Event) -> None:
        while True:
            changed.clear()
            for view, frame in (await asyncio.to_thread(self._frames)).items():
                if self._latest.get(view) != frame:
                    self._latest[view] = frame
                    self._tell(view, frame)
            try:
                await asyncio.wait_for(changed.wait(), LOOK_AGAIN_S)
            except TimeoutError:
                continue

    def _frames(self) -> dict[str, str]:
        found = {view: self._shelf.find(view) for view in VIEWS}
        return {view: notice(view, shelved) for view, shelved in found.items() if shelved is not None}

    def _tell(self, view: str, frame: str) -> None:
        clients = self._clients[view]
        for client in [one for one in clients if _waiting(one) > MOST_BYTES_WAITING]:
            log.info("stream_slow_client_dropped", waiting=_waiting(client))
            clients.discard(client)
            client.transport.abort()
        broadcast(clients, frame)


def _waiting(client: ServerConnection) -> int:
    return client.transport.get_write_buffer_size()
