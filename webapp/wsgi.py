"""Wiring: the app that a WSGI server runs, one per worker process.

The server imports this module in its worker, after any fork; the cache opens its connections and
threads with the first request.
"""

from __future__ import annotations

import atexit
import time

import logs
import settings as environment
from cache import TieredCache
from webapp import create_app

_settings = environment.load()
logs.configure(_settings.log_level)
_cache = TieredCache.from_settings(_settings, clock=time.time)
atexit.register(_cache.close)

app = create_app(
    cache=_cache,
    clock=time.time,
    exchanges=_settings.exchanges,
    stream_port=_settings.stream_port,
)
