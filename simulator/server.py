"""The HTTP server: binds the service and the control endpoint to a port."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from simulator.control import Control
    from simulator.service import Reply, Service

# Linger 0: closing sends a reset instead of an orderly end.
_RESET = struct.pack("ii", 1, 0)


class Server:
    """Routes requests without aiohttp's router, which would cost more than the answers."""

    def __init__(self, *, service: Service, control: Control) -> None:
        self._service = service
        self._control = control

    @contextlib.asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[int]:
        """Serve inside the context; gives the port (useful with 0). Raises OSError where it is taken."""
        runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, host, port, backlog=1024)
        try:
            await site.start()
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        peer = request.remote or ""
        if path.startswith("/control/"):
            body = await request.read()
            reply = self._control.reply(
                request.method, path, body, peer=peer, from_page="Origin" in request.headers
            )
        else:
            # Everything here is asked for with GET; other methods have no path of that name.
            asked = path if request.method == "GET" else f"{request.method} {path}"
            reply = self._service.reply(asked, request.query, peer)
        if reply.delay_s:
            await asyncio.sleep(reply.delay_s)
        if reply.breaks:
            _break(request, reply)
        response = web.Response(body=reply.body, status=reply.status, headers=reply.headers)
        response.headers["Content-Type"] = reply.content_type
        return response


def _break(request: web.BaseRequest, reply: Reply) -> None:
    """Drop the connection without an answer, with a TCP reset where that is the fault."""
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if reply.breaks == "reset" and connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()
