from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import count

import pytest

from cache import Catalogue, Kind, TieredCache, make_tiers
from cache.census import Census
from cache.tiers.memcached import MemcachedTier
from tests.support import servers
from tests.support.buckets import NAMES
from tests.support.virtual_buckets import VirtualTime
from tests.support.waiting import eventually

SOURCE = Kind("source", ("name",), ttl=60)
MIDDLE = Kind("middle", ("name",), ttl=45, derived_from=(SOURCE,))
NEXT = Kind("next", ("name",), ttl=30, derived_from=(MIDDLE,))
LAST = Kind("last", ("name",), ttl=20, derived_from=(NEXT,))
# Made of many sources, and good without one of them; something is derived from it in turn.
BOARD = Kind("board", ("name",), ttl=20, derived_from=(MIDDLE,), gathers=True)
PAGE = Kind("page", ("name",), ttl=10, derived_from=(BOARD,))
CHAIN = Catalogue((SOURCE, MIDDLE, NEXT, LAST, BOARD, PAGE))
PATIENT_S = 0.3
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
        eventually(lambda: cache.health()["coherence"] == "proved", within_s=30)
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
    monkeypatch.setattr("cache.tiers.redis.BULK_BUDGET_S", 2.0)
    maker = Maker(shared_redis, shared_memcached, clock, f"t{next(_prefixes)}", [])
    yield maker
    maker.close()


@pytest.fixture
def patient(request, monkeypatch):
    """A budget that a busy machine keeps, for claims about answers on servers that break; its seconds.

    Each call that waits for a frozen server costs as much: not more than is needed.
    """
    budget_s = getattr(request, "param", PATIENT_S)
    for module in ("redis", "memcached_node"):
        monkeypatch.setattr(f"cache.tiers.{module}.BUDGET_S", budget_s)
    return budget_s


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


@pytest.fixture
def keys(chain):
    """One key of each kind, the deepest last."""
    return [kind.key(name="BTC/USDT:USDT") for kind in chain]


@pytest.fixture(params=("l1", "l1 l2", "l1 l3", "l1 l2 l3", "l3", "l2 l3", "l2"))
def cache(request, make):
    """A cache of each subset of tiers: the same behaviour is wanted of them all."""
    return make(request.param)


@pytest.fixture
def tier(own_memcached):
    """L2 alone, on a server that this test may break."""
    made = MemcachedTier(servers=(own_memcached.address,), prefix="t", clock=time.time)
    yield made
    made.close()


@pytest.fixture
def patient_memcached(monkeypatch):
    """A machine that is busy for 50 ms shall not change what L2 alone answers."""
    monkeypatch.setattr("cache.tiers.memcached_node.BUDGET_S", 1.0)


@pytest.fixture
def quiet(monkeypatch):
    """Processes report when a test says so, and when they end."""
    monkeypatch.setattr(Census, "report_if_due", lambda _: None)


@pytest.fixture
def journal(make):
    """A journal of this test's own."""
    return make("l3").journal("test")


@pytest.fixture
def caches(make):
    """Three processes."""
    return [make("l3", listening=False) for _ in range(3)]


@pytest.fixture
def virtual(caches, monkeypatch):
    """Their Redis's clock, for buckets."""
    return VirtualTime(caches[0], monkeypatch)


@pytest.fixture
def buckets(caches, virtual):  # noqa: ARG001 - on the moved clock
    """The same bucket as three processes see it."""
    name = f"b{next(NAMES)}"
    return [cache.bucket(name) for cache in caches]
