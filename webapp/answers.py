"""A response whose headers were made once and are sent to many, unread."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from flask import Response
from werkzeug.datastructures import Headers

from webapp.conditional import accepts_gzip

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

WORTH_SQUEEZING = 1024
FASTEST = 1
NO_SNIFF = ("X-Content-Type-Options", "nosniff")


class PreparedResponse(Response):
    """Sends a body and headers as they are.

    A plain Response copies and checks every header twice for each request. These are shared between
    requests and threads, so nothing may change them: hooks that add headers leave this class alone.
    """

    default_mimetype = None  # a type that is not among the headers would be added to them

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as a WSGI application."""
        start_response(self.status, self.headers.to_wsgi_list())
        return () if environ["REQUEST_METHOD"] == "HEAD" else self.response  # type: ignore[return-value]


def prepared(status: str, headers: Sequence[tuple[str, str]], body: bytes | None) -> PreparedSource:
    """Everything that a PreparedResponse needs; a 304 has no body and no length."""
    length = () if body is None else (("Content-Length", str(len(body))),)
    return PreparedSource(status, Headers([*headers, *length]), () if body is None else (body,))


def squeezed(response: Response, accept_encoding: str | None) -> Response:
    """The response, compressed where the client takes that and it is worth it."""
    body = response.get_data()
    response.vary.add("Accept-Encoding")
    if len(body) >= WORTH_SQUEEZING and accepts_gzip(accept_encoding):
        response.set_data(gzip.compress(body, FASTEST, mtime=0))
        response.content_encoding = "gzip"
    return response


class PreparedSource:
    """Makes any number of equal responses."""

    __slots__ = ("_body", "_headers", "_status")

    def __init__(self, status: str, headers: Headers, body: tuple[bytes, ...]) -> None:
        self._status = status
        self._headers = headers
        self._body = body

    def response(self) -> PreparedResponse:
        """A response for one request."""
        return PreparedResponse(self._body, self._status, self._headers)
