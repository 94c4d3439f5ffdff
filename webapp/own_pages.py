"""Who may change something here: our own pages and programs, and no page of anybody else."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from webapp.problems import Problem, Told, bad_input

if TYPE_CHECKING:
    from flask import Request

MOST_BYTES = 1024
JSON = "application/json"


def refuse_others(request: Request) -> None:
    """Raise a Problem unless this is JSON from one of our own pages, or from no page at all.

    A browser says from where it asks (`Sec-Fetch-Site`, `Origin`), and asks before it sends JSON to
    somebody else, which nobody here answers. What says neither is a program.
    """
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site not in (None, "same-origin") or (origin is not None and not _is_ours(origin, request.host)):
        raise _stranger()
    if request.mimetype != JSON:
        raise _refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not-json", "Not JSON", f"want Content-Type {JSON}")
    request.max_content_length = MOST_BYTES
    _check_body(request.get_data())


def _is_ours(origin: str, host: str) -> bool:
    # The scheme is not compared: a proxy that ends TLS speaks plainly to us.
    try:
        return urlsplit(origin).netloc.lower() == host.lower() != ""
    except ValueError:
        return False


def _check_body(body: bytes) -> None:
    try:
        given = msgspec.json.decode(body or b"{}")
    except msgspec.DecodeError:
        raise bad_input("body", "is not JSON; want {} or nothing") from None
    if given != {}:
        raise bad_input("body", "want {} or nothing: all that there is to say is in the address")


def _stranger() -> Problem:
    detail = "a page of another origin may not change anything here"
    return _refused(HTTPStatus.FORBIDDEN, "other-origin", "Another origin", detail)


def _refused(status: HTTPStatus, kind: str, title: str, detail: str) -> Problem:
    return Problem(Told(status, kind, title, detail))
