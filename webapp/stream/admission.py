"""Who may connect: the right path, a page of our own host, and not too many."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from webapp.words import VIEWS

PATH = "/ws"
HEALTH = "/healthz"


class Refusal(NamedTuple):
    """Why a connection is not taken, as an HTTP status and a line for the reader."""

    status: HTTPStatus
    reason: str


def view_of(target: str) -> str | Refusal:
    """The view that a request target asks for, `data` when it names none."""
    parts = urlsplit(target)
    if parts.path != PATH:
        return Refusal(HTTPStatus.NOT_FOUND, f"the stream is at {PATH}")
    view = parse_qs(parts.query).get("view", [VIEWS[0]])[-1]
    if view not in VIEWS:
        return Refusal(HTTPStatus.BAD_REQUEST, f"view: want one of {', '.join(VIEWS)}")
    return view


def stranger(origin: str | None, host: str | None) -> bool:
    """Whether a browser sends this from a page of another host; programs send no origin."""
    if origin is None:
        return False
    try:
        return (
            urlsplit(origin).hostname is None or urlsplit(origin).hostname != urlsplit(f"//{host}").hostname
        )
    except ValueError:
        return True
