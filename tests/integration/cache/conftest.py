from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import count

import pytest

from cache import Catalogue, Kind, TieredCache, make_tiers
from tests.support import servers
from tests.support.waiting import eventually

SOURCE = Kind("source", ("name",), ttl=60)
MIDDLE = Kind("middle", ("name",), ttl=45, derived_from=(SOURCE,))
NEXT = Kind("next", ("name",), ttl=30, derived_from=(MIDDLE,))
LAST = Kind("last", ("name",), ttl=20, derived_from=(NEXT,))
# Made of many sources, and good without one of them; something is derived from it in turn.
BOARD = Kind("board", ("name",), ttl=20, derived_from=(MIDDLE,), gathers=True)
PAGE = Kind("page", ("name",), ttl=10, derived_from=(BOARD,))
CHAIN = Catalogue((SOURCE, MIDDLE, NEXT, LAST, BOARD, PAGE))
_prefixes = count()


class Clock:
    """Real time, plus what a test adds."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        """Now."""
        return time.time() + self.ahead

    def move(self, seconds):
        """Let time pass at once."""
        self.ahead += seconds


@dataclass
class Maker:
    """Makes caches that share servers and a prefix, as processes do, and closes them all."""

    redis: object
    memcached: object
    clock: Clock
    prefix: str
    made: list

    def __call__(
        self, tiers="l1 l2 l3", *, listening=True, clock=None, entries=20_000, name="process"
    ) -> TieredCache:
        """One more cache with these tiers."""
        cache = TieredCache(
            tiers=make_tiers(
                clock=clock or self.clock,
                redis_url=f"{self.redis.url}/0" if "l3" in tiers else None,
                memcached_servers=(self.memcached.address,) if "l2" in tiers else (),
                prefix=self.prefix,
                memory_entries=entries if "l1" in tiers else 0,
            ),
            clock=clock or self.clock,
            catalogue=CHAIN,
            usable_for=600,
            listening=listening,
            name=name,
        )
        self.made.append(cache)
        return cache

    def proved(self, tiers="l1 l2 l3", **options: str):
        """One more cache, when it has proved that it hears."""
        cache = self(tiers, **options)
        eventually(lambda: cache.health()["coherence"] == "proved", within_s=3)
        return cache

    def close(self):
        """Close every cache."""
        for cache in self.made:
            cache.close()


@pytest.fixture(scope="session")
def shared_redis():
    """A Redis for all tests that leave it whole."""
    with servers.redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def shared_memcached():
    """A Memcached for all tests that leave it whole."""
    with servers.memcached_server() as server:
        yield server


@pytest.fixture
def own_redis():
    """A Redis that this test may break."""
    with servers.redis_server() as server:
        yield server


@pytest.fixture
def own_memcached():
    """A Memcached that this test may break."""
    with servers.memcached_server() as server:
        yield server


@pytest.fixture
def clock():
    """Real time that can be moved on."""
    return Clock()


@pytest.fixture
def make(shared_redis, shared_memcached, clock, monkeypatch):
    """Makes caches on the shared servers, under a prefix of this test's own."""
    # These tests are about answers: a machine that is busy for 50 ms shall not change them.
    for module in ("redis", "memcached_node"):
        monkeypatch.setattr(f"cache.tiers.{module}.BUDGET_S", 0.5)
    maker = Maker(shared_redis, shared_memcached, clock, f"t{next(_prefixes)}", [])
    yield maker
    maker.close()


@pytest.fixture
def make_breakable(own_redis, own_memcached, clock):
    """Makes caches on servers that this test may break."""
    maker = Maker(own_redis, own_memcached, clock, "own", [])
    yield maker
    maker.close()


def key(kind, name="BTC/USDT:USDT"):
    """A key of one of the chain's kinds."""
    return kind.key(name=name)


@pytest.fixture
def gathered():
    """A kind that gathers, and one derived from it."""
    return BOARD, PAGE


@pytest.fixture
def chain():
    """Four kinds, each derived from the one before."""
    return SOURCE, MIDDLE, NEXT, LAST
