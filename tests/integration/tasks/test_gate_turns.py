"""The shared limiter's turns over a real Redis, on a clock that only sleeping moves."""

from __future__ import annotations

import random
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cache import TieredCache, make_tiers
from market.limiter import HARD_SHARE, USED_SHARE, Rate, Window
from tasks.gate import SharedLimiter
from tests.support.servers import redis_server
from tests.support.virtual_buckets import VirtualTime

pytestmark = pytest.mark.integration

REQUESTS, WINDOW_S = 60, 0.5
RATE = Rate(USED_SHARE * REQUESTS / WINDOW_S, 5.0, Window(int(HARD_SHARE * REQUESTS), WINDOW_S, ""))
names = count()


@pytest.fixture(scope="module")
def caches():
    """Three processes over one Redis, which may be busy for a moment."""
    with pytest.MonkeyPatch.context() as patch, redis_server() as server:
        patch.setattr("cache.tiers.redis.BUDGET_S", 1.0)
        made = [
            TieredCache(
                tiers=make_tiers(clock=lambda: 0.0, redis_url=f"{server.url}/0"), listening=False, name=None
            )
            for _ in range(3)
        ]
        made[0].health()
        yield made
        for cache in made:
            cache.close()


@pytest.fixture
def virtual(caches, monkeypatch):
    """Redis's clock."""
    return VirtualTime(caches[0], monkeypatch)


class Crowd:
    """Threads of three processes as one: while a call sleeps others come; then all wake late together."""

    def __init__(self, caches, virtual: VirtualTime) -> None:
        name = f"x{next(names)}"
        self.virtual = virtual
        self.limiters = [
            SharedLimiter(
                exchange=name,
                rate=RATE,
                bucket=cache.bucket(name),
                clock=lambda: virtual.now,
                monotonic=lambda: virtual.now,
                sleep=self.sleep,
            )
            for cache in caches
        ]
        self.chosen = random.Random(1)
        self.sent: list[float] = []
        self.to_come = 0
        self.stall_s = 0.0

    def sleep(self, seconds: float) -> None:
        """Let the others in first, and oversleep by the stall."""
        wake_at = self.virtual.now + seconds
        if self.to_come:
            self.to_come -= 1
            self.call()
        else:
            wake_at, self.stall_s = wake_at + self.stall_s, 0.0
        self.virtual.move(max(0.0, wake_at - self.virtual.now))

    def call(self) -> None:
        """One call of any of them, noted when it goes out."""
        self.chosen.choice(self.limiters).acquire(patience_s=1e4)
        self.sent.append(self.virtual.now)


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    # idle seconds, calls one after the other, how many more wait at the same time, and a stall of all
    st.lists(
        st.tuples(st.floats(0, 1), st.integers(1, 60), st.integers(0, 40), st.floats(0, 0.4)),
        min_size=1,
        max_size=4,
    )
)
def test_no_window_holds_more_than_its_limit_over_all_processes(caches, virtual, rounds):
    """Whatever arrives together or is stalled together: 58 of 60 in any half second, counted as sent."""
    crowd = Crowd(caches, virtual)

    for idle_s, calls, waiting, stall_s in rounds:
        virtual.move(idle_s)
        crowd.to_come, crowd.stall_s = waiting, stall_s
        for _ in range(calls):
            crowd.call()

    most = int(HARD_SHARE * REQUESTS)
    for first, after in zip(crowd.sent, crowd.sent[most:], strict=False):
        assert after - first >= WINDOW_S - 1e-6


def test_at_least_95_percent_of_the_window_is_used_when_there_is_work(caches, virtual):
    """Three processes that ask without a pause for three seconds."""
    crowd = Crowd(caches, virtual)

    began = virtual.now
    while virtual.now < began + 3.0:
        crowd.call()

    assert len(crowd.sent) >= 0.95 * REQUESTS / WINDOW_S * 3.0
