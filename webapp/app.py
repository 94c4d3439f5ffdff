"""The application, put together from collaborators."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask

from cache import states
from cache.catalogue import DASHBOARD
from webapp import alerts, api, assets, formats, health, layout, pages, problems, security, words
from webapp.beta import BetaDesk
from webapp.exchanges import Exchanges
from webapp.published import Shelf
from webapp.symbols import SymbolConverter, SymbolDesk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cache import TieredCache

FOLDER = Path(__file__).parent


def create_app(
    *,
    cache: TieredCache,
    clock: Callable[[], float] = time.time,
    exchanges: Sequence[str] = (),
    stream_port: int | None = None,
) -> Flask:
    """The Flask app over one cache.

    `exchanges` are the ids that are fetched from, `stream_port` is where the WebSocket stream
    listens, None without one.
    """
    app = Flask("webapp", static_folder=None, root_path=str(FOLDER))
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.converters["symbol"] = SymbolConverter
    shelf = Shelf(cache=cache, clock=clock, ttl_s=cache.ttl(DASHBOARD))
    known = Exchanges(cache=cache, clock=clock, ids=exchanges)
    desk = SymbolDesk(cache=cache, clock=clock, exchanges=known)
    betas = BetaDesk(cache=cache, clock=clock, exchanges=known)
    files = assets.Assets.of(FOLDER / "static")
    _teach_templates(app, files, stream_port)
    security.register(app, stream_port=stream_port)
    problems.register(app)
    app.register_blueprint(api.blueprint(shelf=shelf, desk=desk, betas=betas, exchanges=known))
    app.register_blueprint(alerts.blueprint(cache=cache, clock=clock, exchanges=known))
    app.register_blueprint(health.blueprint(shelf=shelf, cache=cache, exchanges=known, clock=clock))
    app.register_blueprint(pages.blueprint(shelf=shelf, desk=desk, betas=betas, exchanges=known, clock=clock))
    app.register_blueprint(assets.blueprint(files))
    return app


def _teach_templates(app: Flask, files: assets.Assets, stream_port: int | None) -> None:
    environment = app.jinja_env
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters.update(formats.FILTERS)
    environment.globals.update(
        asset=files.url,
        component_names=words.COMPONENTS,
        dash=formats.DASH,
        write=formats.write,
        exchange_tones=words.EXCHANGE_TONES,
        nothing_yet=words.NOTHING_YET,
        states=states,
        stream_port=stream_port,
        tones=words.TONES,
        **layout.TAUGHT,
    )
