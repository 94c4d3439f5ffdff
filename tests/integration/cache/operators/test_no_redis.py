from __future__ import annotations

import time

import pytest

from cache import Key, TieredCache, make_tiers
from cache.operators import desk as desks
from cache.operators import looking
from cache.operators.looking import Looker, NoRedis

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("patient")]


@pytest.fixture
def _impatient(monkeypatch):
    """Waits shorter than an operator would."""
    monkeypatch.setattr(looking, "PATIENCE_S", 0.3)
    monkeypatch.setattr(desks, "READY_WITHIN_S", 0.3)


@pytest.mark.parametrize(
    "words",
    [("inspect", "source", "x"), ("tree",), ("expire", "source|x"), ("remove", "source|x"), ("stats",)],
)
@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("how", ["kill", "freeze"])
def test_every_command_says_that_redis_does_not_answer(breakable_operator, make_breakable, words, how):
    """In bounded time, with the address, and never as an empty answer."""
    getattr(make_breakable.redis, how)()
    began = time.monotonic()

    with pytest.raises(NoRedis, match=f"127.0.0.1:{make_breakable.redis.port} database 0 does not answer"):
        breakable_operator.types(*words)

    assert time.monotonic() - began < 5


@pytest.mark.usefixtures("_impatient")
def test_an_invalidation_that_redis_did_not_take_is_not_told_as_done(
    breakable_operator, make_breakable, monkeypatch
):
    """Redis may die just before the call: what only waits in an outbox would end with us."""
    expire = TieredCache.expire

    def die_first(cache: TieredCache, *keys: Key):
        make_breakable.redis.kill()
        return expire(cache, *keys)

    monkeypatch.setattr(TieredCache, "expire", die_first)

    with pytest.raises(NoRedis, match="does not answer in time"):
        breakable_operator.types("expire", "source|x")


def test_without_a_redis_there_is_nothing_to_look_at():
    """Memory alone is private to its process."""
    with pytest.raises(NoRedis, match="no Redis is named"):
        Looker(make_tiers(clock=time.time))


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://user:secret@host:7/3", "host:7 database 3"),
        ("unix://:secret@/run/redis.sock?db=2", "/run/redis.sock database 2"),
        ("redis://localhost", "localhost:6379 database 0"),
    ],
)
def test_no_login_is_ever_shown(url, address):
    """The address is what an operator may put into a ticket."""
    looker = Looker(make_tiers(clock=time.time, redis_url=url))

    assert looker.address == address
