"""Apps and streams over the real cache on real servers."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

from werkzeug.serving import WSGIRequestHandler, make_server

from cache import TieredCache, make_tiers


@contextmanager
def tiered_cache(*, redis=None, memcached=None, clock=time.time):
    """A cache over the servers given."""
    tiers = make_tiers(
        clock=clock,
        redis_url=f"{redis.url}/0" if redis else None,
        memcached_servers=(memcached.address,) if memcached else (),
    )
    cache = TieredCache(tiers=tiers, clock=clock)
    try:
        yield cache
    finally:
        cache.close()


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, code="-", size="-"):
        """Say nothing: the test's own output is what is read."""


@contextmanager
def served(app):
    """The app on a free port of loopback; gives its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
