"""Everything that can go wrong, told as RFC 9457 wants it, or as a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from flask import Response, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from cache import states
from webapp.exchanges import troubles
from webapp.words import NOTHING_YET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask import Flask

log = structlog.get_logger(__name__)

API = "/api/"
RETRY_AFTER_S = 2
LONGEST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Told:
    """What a client is told: `kind` becomes the problem's type, `more` its further members."""

    status: int
    kind: str
    title: str
    detail: str
    more: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


class Problem(Exception):
    """Ends a request with a problem document (under /api) or an error page."""

    def __init__(self, told: Told) -> None:
        super().__init__(told.detail)
        self.told = told


def not_there_yet(detail: str, **more: Any) -> Problem:
    """Asked for too early: come back in a moment."""
    return Problem(
        Told(
            HTTPStatus.SERVICE_UNAVAILABLE, "nothing-yet", "Nothing to show yet", detail,
            {"state": states.EMPTY, **more}, {"Retry-After": str(RETRY_AFTER_S)},
        )
    )  # fmt: skip


def nothing_published(exchanges: Sequence[Mapping[str, Any]]) -> Problem:
    """No dashboard was ever published; the rows of the exchanges may say why."""
    return not_there_yet(why_nothing(exchanges), exchanges=exchanges)


def why_nothing(exchanges: Sequence[Mapping[str, Any]]) -> str:
    """The sentence for people: what the exchanges are in trouble with, or that it takes a moment."""
    return f"{NOTHING_YET}; {troubles(exchanges) or 'the first dashboard usually takes less than a minute'}"


def unknown_symbol(exchange: str, symbol: str, reason: str) -> Problem:
    """The exchange does not list the symbol, or is none of ours."""
    more = {"exchange": exchange, "symbol": symbol}
    return Problem(Told(HTTPStatus.NOT_FOUND, "symbol-unknown", "Unknown symbol", reason, more))


def unknown_exchange(exchange: str) -> Problem:
    """The exchange is none of ours."""
    detail = f"{exchange} is none of the exchanges in use"
    more = {"exchange": exchange}
    return Problem(Told(HTTPStatus.NOT_FOUND, "exchange-unknown", "Unknown exchange", detail, more))


def bad_input(name: str, reason: str) -> Problem:
    """A part of the address that cannot be what it should be."""
    detail = f"{name}: {reason}"
    return Problem(Told(HTTPStatus.BAD_REQUEST, "bad-input", "Bad input", detail, {"field": name}))


def register(app: Flask) -> None:
    """Answer every error of the app with a problem document under /api and a page elsewhere."""
    app.register_error_handler(Problem, lambda error: answer(error.told))
    app.register_error_handler(HTTPException, _on_http_error)


def answer(told: Told) -> Response:
    """The problem in the form that its path asks for."""
    response = _document(told) if request.path.startswith(API) else _page(told)
    response.headers["Cache-Control"] = "no-store"
    response.headers.extend(told.headers)
    return response


def _on_http_error(error: HTTPException) -> Response:
    if isinstance(error, InternalServerError):
        cause = error.original_exception or error
        log.error("web_request_failed", path=request.path, method=request.method, exc_info=cause)
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    headers = {name: value for name, value in error.get_headers() if name in {"Allow", "Location"}}
    return answer(Told(status, "", status.phrase, error.description or status.description, headers=headers))


def _document(told: Told) -> Response:
    body = {
        "type": f"urn:tidemark:problem:{told.kind}" if told.kind else "about:blank",
        "title": told.title,
        "status": int(told.status),
        "detail": told.detail,
        "instance": request.path[:LONGEST_SHOWN],
        **told.more,
    }
    encoded = msgspec.json.encode(body)
    return Response(encoded, int(told.status), content_type="application/problem+json")


def _page(told: Told) -> Response:
    return Response(render_template("error.html", told=told), int(told.status))
