from __future__ import annotations

import pytest

from cache import Catalogue, Kind, TieredCache, make_tiers


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now=1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Now."""
        return self.now

    def move(self, seconds):
        """Let time pass."""
        self.now += seconds


SOURCE = Kind("source", ("name",), ttl=60)
MIDDLE = Kind("middle", ("name",), ttl=45, derived_from=(SOURCE,))
LAST = Kind("last", ("name",), ttl=30, derived_from=(MIDDLE,))


@pytest.fixture
def clock():
    """Time, in the test's hand."""
    return Clock()


@pytest.fixture
def kinds():
    """A chain of three kinds."""
    return SOURCE, MIDDLE, LAST


@pytest.fixture
def cache(clock):
    """A cache of process memory alone."""
    made = TieredCache(
        tiers=make_tiers(clock=clock),
        clock=clock,
        catalogue=Catalogue((SOURCE, MIDDLE, LAST)),
        usable_for=600,
    )
    yield made
    made.close()
