"""Wiring: the app that a WSGI server runs, one per worker process.

The server imports this module in its worker, after any fork. With warming the cache is connected and
holds what is read first before the worker says that it is ready, else with the first request.
"""

from __future__ import annotations

import atexit
import time

import logs
import settings as environment
from cache import TieredCache
from cache.catalogue import DASHBOARD, UNIVERSE
from webapp import create_app
from webapp.words import VIEWS

_settings = environment.load()
logs.configure(_settings.log_level)
_cache = TieredCache.from_settings(_settings, clock=time.time, name="web")
atexit.register(_cache.close)
if _settings.enable_cache_warming:
    _cache.warm(
        [
            *(DASHBOARD.key(view=view) for view in VIEWS),
            *(UNIVERSE.key(exchange=exchange) for exchange in _settings.exchanges),
        ]
    )
    _cache.warm()

app = create_app(
    cache=_cache,
    clock=time.time,
    exchanges=_settings.exchanges,
    stream_port=_settings.stream_port,
)
