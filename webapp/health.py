"""Whether the process lives, whether it can serve a dashboard, and how the cache is doing."""

from __future__ import annotations

import math
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
GATHERED_S = 1.0
"""However often it is asked, Redis is asked at most once in this time."""


def blueprint(
    *, shelf: Shelf, cache: TieredCache, exchanges: Exchanges, clock: Callable[[], float]
) -> Blueprint:
    """The addresses that an operator or a supervisor asks."""
    pages = Blueprint("health", __name__)
    gathered: dict[str, Any] = {"at": -math.inf}

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

    @pages.get("/statsz")
    def statistics() -> tuple[dict[str, Any], dict[str, str]]:
        nonlocal gathered
        if not 0 <= clock() - gathered["at"] < GATHERED_S:
            gathered = cache.stats_everywhere()
        return gathered, NO_STORE

    return pages
