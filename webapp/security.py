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
            headers.setdefault("Content-Security-Policy", policy(stream_origin(request.host, stream_port)))
            headers.setdefault(*NO_SNIFF)
            headers.setdefault("Referrer-Policy", "same-origin")
        return response


def policy(stream: str | None) -> str:
    """The Content-Security-Policy of a page that may also talk to `stream`."""
    connect = f"; connect-src 'self' {stream}" if stream else ""
    return f"default-src 'self'{connect}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def stream_origin(host: str, port: int | None) -> str | None:
    """Where the stream is, seen from a browser that reached us as `host`; None without a stream."""
    found = _HOST.fullmatch(host)
    return f"ws://{found['name']}:{port}" if found and port else None
