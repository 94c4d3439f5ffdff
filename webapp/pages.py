"""The pages for people, rendered here and kept current by their scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, render_template, request

from cache import states
from webapp.answers import squeezed
from webapp.beta_table import BetaTable
from webapp.conditional import matches
from webapp.inputs import only
from webapp.layout import Votes
from webapp.problems import RETRY_AFTER_S, why_nothing
from webapp.words import NOTHING_YET

if TYPE_CHECKING:
    from collections.abc import Callable

    from webapp.beta import BetaDesk
    from webapp.exchanges import Exchanges
    from webapp.published import Shelf
    from webapp.symbols import SymbolDesk

NO_CACHE = {"Cache-Control": "no-cache"}
NOT_PUBLISHED: dict[str, Any] = {
    "generated_at": None, "as_of": None, "state": states.EMPTY, "reason": None, "simulated": False,
    "exchanges": [], "symbols": [], "movers": {"gainers": [], "losers": []}, "alerts": None, "beta": None,
    "missing": {"alerts": NOTHING_YET, "beta": NOTHING_YET}, "late": {},
    "overview": {
        "symbols": None, "up": None, "down": None, "flat": None, "turnover_24h": None, "btc_price": None,
        "btc_change_24h": None, "breadth": None, "volatility": None, "regime": None, "missing": {},
        "late": {},
    },
}  # fmt: skip


def not_published(exchanges: list[dict[str, Any]]) -> dict[str, Any]:
    """A dashboard of nothing but what is known of the exchanges."""
    return {**NOT_PUBLISHED, "reason": why_nothing(exchanges), "exchanges": exchanges}


def blueprint(
    *, shelf: Shelf, desk: SymbolDesk, betas: BetaDesk, exchanges: Exchanges, clock: Callable[[], float]
) -> Blueprint:
    """The dashboard, the small dashboard, the betas, and the page that explains one score."""
    pages = Blueprint("pages", __name__)

    def dashboard(template: str, view: str) -> Callable[[], Response]:
        def page() -> Response:
            found = shelf.find(view)
            document = not_published(exchanges.rows()) if found is None else found.document.parsed()
            etag = "" if found is None else found.document.etag
            html = render_template(template, dashboard=document, etag=etag, now=clock(), view=view)
            if found is None:
                return Response(html, 503, {**NO_CACHE, "Retry-After": str(RETRY_AFTER_S)})
            return squeezed(Response(html, headers=NO_CACHE), request.headers.get("Accept-Encoding"))

        return page

    pages.add_url_rule("/", "dashboard", dashboard("dashboard.html", "data"))
    pages.add_url_rule("/mobile", "mobile", dashboard("mobile.html", "mobile"))

    @pages.get("/beta")
    def beta() -> Response:
        asked = only(request.args, ("exchange", "order"))
        shown = betas.both(asked.get("exchange"))
        table = BetaTable.of(shown.windows, asked.get("order", ""))
        headers = {**NO_CACHE, "ETag": shown.etag}
        if matches(request.headers.get("If-None-Match"), shown.etag):
            return Response(status=304, headers=headers)
        html = render_template(
            "beta.html", exchange=shown.exchange, exchanges=exchanges.ids, table=table, now=clock()
        )
        return squeezed(Response(html, headers=headers), request.headers.get("Accept-Encoding"))

    @pages.get("/symbols/<exchange>/<symbol:symbol>")
    def symbol_page(exchange: str, symbol: str) -> Response:
        shown = desk.show(exchange, symbol)
        headers = {**NO_CACHE, "ETag": shown.etag}
        if matches(request.headers.get("If-None-Match"), shown.etag):
            return Response(status=304, headers=headers)
        html = render_template(
            "symbol.html",
            score=shown.score,
            ticker=shown.ticker,
            price_late=shown.price_late,
            votes=Votes.of(shown.views),
            now=clock(),
        )
        return squeezed(Response(html, headers=headers), request.headers.get("Accept-Encoding"))

    return pages
