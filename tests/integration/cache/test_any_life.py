from __future__ import annotations

import time
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache import Catalogue, Kind, TieredCache, make_tiers
from tests.support.shapes import bounded

pytestmark = pytest.mark.integration

LIVES_S = (0.01, 0.04, 0.25, 0.5, 0.95, 0.999, 1.0, 1.001, 1.05, 1.5, 1.999, 2.0, 2.5, 3.0)
KINDS = {life: Kind(f"lives{i}", ("name",), ttl=life) for i, life in enumerate(LIVES_S)}
JUST = 1e-4
_numbers = count()


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        """Now."""
        return self.now


@pytest.fixture
def readers(make):
    """One clock, and caches over the three tiers, each tier the nearest of one."""
    clock, made = Clock(), {}
    for tiers in ("l1 l2 l3", "l2 l3", "l3"):
        made[tiers] = TieredCache(
            tiers=make_tiers(
                clock=clock,
                redis_url=f"{make.redis.url}/0",
                memcached_servers=(make.memcached.address,) if "l2" in tiers else (),
                prefix=make.prefix,
                memory_entries=100 if "l1" in tiers else 0,
            ),
            clock=clock,
            catalogue=Catalogue(tuple(KINDS.values())),
            usable_for=600,
        )
    make.made += made.values()
    return clock, made


@bounded
@given(
    life=st.sampled_from(LIVES_S),
    aged=st.floats(0, 1.2),
    promoted=st.permutations(("l1 l2 l3", "l2 l3", "l3")),
)
def test_no_tier_and_no_promotion_makes_it_live_longer(readers, life, aged, promoted):
    """Read at any point of its life, in any order of tiers: all say when it ends, and keep to it."""
    clock, caches = readers
    key = KINDS[life].key(name=f"{next(_numbers)}")
    ends = caches["l3"].put(key, 1).entry.fresh_until
    began = clock.now
    assert ends == pytest.approx(began + life)

    clock.now = began + aged * life
    entries = [caches[tiers].get(key) for tiers in promoted]
    clock.now = max(clock.now, ends - JUST)
    just_before = [caches[tiers].get(key).state for tiers in promoted]
    clock.now = max(clock.now, ends)
    at_the_end = [caches[tiers].get(key).state for tiers in promoted]

    assert {entry.fresh_until for entry in entries} == {ends}
    assert set(just_before) == ({"fresh"} if aged < 1 else {"stale"})
    assert set(at_the_end) == {"stale"}
