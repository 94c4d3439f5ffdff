"""Whether the process lives, and whether it can serve a dashboard."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response

from cache import states

if TYPE_CHECKING:
    from collections.abc import Callable

    from cache import TieredCache
    from webapp.exchanges import Exchanges
    from webapp.published import Shelf

NO_STORE = {"Cache-Control": "no-store"}


def blueprint(
    *, shelf: Shelf, cache: TieredCache, exchanges: Exchanges, clock: Callable[[], float]
) -> Blueprint:
    """The two addresses that an operator or a supervisor asks."""
    pages = Blueprint("health", __name__)

    @pages.get("/healthz")
    def alive() -> Response:
        return Response("ok\n", headers=NO_STORE, content_type="text/plain; charset=utf-8")

    @pages.get("/readyz")
    def ready() -> tuple[dict[str, Any], int, dict[str, str]]:
        found = shelf.find("data")
        tiers = cache.health()
        coherence = tiers.pop("coherence")
        body: dict[str, Any] = {
            "ready": found is not None,
            "complete": found is not None and found.document.complete,
            "state": states.EMPTY if found is None else found.document.parsed()["state"],
            "age_s": None if found is None else round(max(0.0, clock() - found.document.stored_at), 3),
            "tiers": tiers,
            "coherence": coherence,
        }
        if found is None:
            body["exchanges"] = exchanges.rows()
        status = HTTPStatus.SERVICE_UNAVAILABLE if found is None else HTTPStatus.OK
        return body, int(status), NO_STORE

    return pages
