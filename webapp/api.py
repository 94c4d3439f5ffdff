"""The JSON interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from flask import Blueprint, Response, request

from webapp.answers import squeezed
from webapp.beta import DEFAULT_WINDOW
from webapp.conditional import matches
from webapp.inputs import only
from webapp.problems import nothing_published
from webapp.words import VIEWS

if TYPE_CHECKING:
    from collections.abc import Callable

    from webapp.beta import BetaDesk
    from webapp.exchanges import Exchanges
    from webapp.lives import Served
    from webapp.published import Shelf
    from webapp.symbols import SymbolDesk


def blueprint(*, shelf: Shelf, desk: SymbolDesk, betas: BetaDesk, exchanges: Exchanges) -> Blueprint:
    """The dashboard's views, the explained score of one symbol, and the betas of an exchange."""
    pages = Blueprint("api", __name__, url_prefix="/api")

    def dashboard(view: str) -> Callable[[], Response]:
        def answer() -> Response:
            # The hot path: one cache read, then bytes that were prepared before.
            found = shelf.find(view)
            if found is None:
                raise nothing_published(exchanges.rows())
            asked = request.environ
            source = found.source(asked.get("HTTP_IF_NONE_MATCH"), asked.get("HTTP_ACCEPT_ENCODING"))
            return source.response()

        return answer

    for view in VIEWS:
        pages.add_url_rule(f"/dashboard/{view}", f"dashboard_{view}", dashboard(view))

    @pages.get("/symbols/<exchange>/<symbol:symbol>")
    def explained(exchange: str, symbol: str) -> Response:
        return _answer(desk.explain(exchange, symbol))

    @pages.get("/bitcoin-beta")
    def bitcoin_beta() -> Response:
        asked = only(request.args, ("exchange", "timeframe"))
        served = betas.window(asked.get("exchange"), asked.get("timeframe", DEFAULT_WINDOW))
        return squeezed(_answer(served), request.headers.get("Accept-Encoding"))

    return pages


def _answer(served: Served) -> Response:
    """The document, or that the client has it already."""
    headers = served.headers()
    if matches(request.headers.get("If-None-Match"), served.etag):
        return Response(status=304, headers=headers)
    return Response(msgspec.json.encode(served.document), headers=headers, content_type="application/json")
