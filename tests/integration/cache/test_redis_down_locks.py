from __future__ import annotations

import pytest

from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("patient")]


def is_free(cache, name):
    """Whether Redis itself gives this lock."""
    with cache.lock(name, 300) as lock:
        return lock.held and lock.known


@pytest.fixture(params=["killed", "frozen"])
def hiccup(request, make_breakable):
    """Begins an outage of Redis and returns what ends it."""

    def begin():
        server = make_breakable.redis
        if request.param == "killed":
            server.kill()
            return server.restart
        server.freeze()
        return server.thaw

    return begin


def test_a_release_lost_in_a_hiccup_is_made_up_for(make_breakable, hiccup):
    """The lock is free again soon after, for everybody."""
    one, other = make_breakable.proved("l1 l3"), make_breakable.proved("l1 l3")
    lock = one.lock("run", 300)
    end = hiccup()
    lock.release()
    end()

    assert lock.known
    eventually(lambda: is_free(other, "run"), within_s=10)


def test_a_lock_taken_in_a_hiccup_holds_for_everybody_after_it(make_breakable, hiccup):
    """The heartbeat takes it in Redis; releasing it frees it."""
    one, other = make_breakable.proved("l1 l3"), make_breakable.proved("l1 l3")
    end = hiccup()
    lock = one.lock("run", 300)
    told = lock.held, lock.known
    end()

    assert told == (True, False)
    far = one._engine.far
    eventually(lambda: far.guarded(lambda: far.quick.get(f"{far.base}:lease:lock:run")), within_s=10)
    eventually(lambda: other.lock("elsewhere", 1).known, within_s=10)
    assert not other.lock("run", 300).held
    lock.release()
    eventually(lambda: is_free(other, "run"), within_s=10)
