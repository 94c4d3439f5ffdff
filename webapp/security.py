"""The headers that keep a page to itself: nothing from elsewhere, nothing inline, no framing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask import request

from webapp.answers import NO_SNIFF, PreparedResponse

if TYPE_CHECKING:
    from flask import Flask, Response

_HOST = re.compile(r"(?P<name>[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?")


def register(app: Flask, *, stream_port: int | None) -> None:
    """Add the headers to every response but the prepared ones, which carry their own."""

    @app.after_request
    def harden(response: Response) -> Response:
        if not isinstance(response, PreparedResponse):
            headers = response.headers
            headers.setdefault("Content-Security-Policy", policy(stream_origins(request.host, stream_port)))
            headers.setdefault(*NO_SNIFF)
            headers.setdefault("Referrer-Policy", "same-origin")
        return response


def policy(stream: str | None) -> str:
    """The Content-Security-Policy of a page that may also talk to `stream`."""
    connect = f"; connect-src 'self' {stream}" if stream else ""
    return f"default-src 'self'{connect}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def stream_origins(host: str, port: int | None) -> str | None:
    """Where the stream is, plain or over TLS, for a browser that reached us as `host`; None without one."""
    found = _HOST.fullmatch(host)
    if not found or not port:
        return None
    # Behind a proxy that ends TLS we see plain HTTP: what the browser speaks is not ours to guess.
    address = f"{found['name']}:{port}"
    return f"ws://{address} wss://{address}"
