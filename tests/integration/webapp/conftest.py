"""The publisher's cache and the web's: two caches on the same servers, as two processes have."""

from __future__ import annotations

import pytest

from ops.ports import free_port
from tests.support.web import tiered_cache


@pytest.fixture
def publisher(redis_server, memcached_server):
    """The cache of another process, as the tasks have one."""
    with tiered_cache(redis=redis_server, memcached=memcached_server) as cache:
        yield cache


@pytest.fixture
def cache(redis_server, memcached_server):
    """The cache of the web process."""
    with tiered_cache(redis=redis_server, memcached=memcached_server) as cache:
        yield cache


@pytest.fixture
def unused_port():
    """A port that nobody listens on now."""
    return free_port()
