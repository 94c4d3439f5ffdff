"""One app over a cache that is this process's memory alone, with a clock that a test moves."""

from __future__ import annotations

import pytest

from tests.support.dashboards import MovableClock, memory_cache
from webapp import create_app


@pytest.fixture
def clock():
    """A clock that stands still."""
    return MovableClock()


@pytest.fixture
def cache(clock):
    """An empty cache."""
    made = memory_cache(clock)
    yield made
    made.close()


@pytest.fixture
def app(cache, clock):
    """The app as wiring makes it."""
    return create_app(cache=cache, clock=clock, exchanges=("simulated",), stream_port=8001)


@pytest.fixture
def client(app):
    """A client of that app."""
    return app.test_client()
