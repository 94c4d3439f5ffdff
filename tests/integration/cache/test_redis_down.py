from __future__ import annotations

import time

import pytest

from cache import Put
from cache.coherence import PROOF_LASTS_S
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("patient")]


def timed(call):
    """What the call returned, and the seconds it took."""
    started = time.monotonic()
    answer = call()
    return answer, time.monotonic() - started


@pytest.fixture(params=["killed", "frozen"])
def broken(request, make_breakable, chain):
    """A cache of all tiers with two entries, whose Redis has just been killed or frozen."""
    cache = make_breakable.proved()
    cache.put_many([Put(chain[0].key(name="a"), 1), Put(chain[1].key(name="b"), 2)])
    if request.param == "killed":
        make_breakable.redis.kill()
    else:
        make_breakable.redis.freeze()
    return cache


def trip(cache, chain):
    """Let the breaker open."""
    cache.get(chain[0].key(name="cold"))
    eventually(lambda: cache.stats()["breakers"]["l3"]["state"] != "closed", within_s=10)


@pytest.mark.parametrize("patient", [1.0], indirect=True)
def test_the_first_call_costs_the_budget_and_the_next_nothing(patient, broken, chain):
    """Once; then the breaker is open."""
    _, first_s = timed(lambda: broken.get(chain[0].key(name="cold")))
    _, next_s = timed(lambda: [broken.get(chain[0].key(name=f"cold{i}")) for i in range(20)])

    assert first_s < 2 * patient
    assert next_s < patient


def test_get_serves_what_the_nearer_tiers_hold(broken, chain):
    """The value is there, at once and later, when coherence is no longer proved."""
    key = chain[0].key(name="a")
    assert broken.get(key).value == 1

    eventually(lambda: broken.health()["coherence"] == "unproved", within_s=10)

    assert broken.get(key).value == 1


def test_the_proof_of_coherence_lapses_within_a_second(broken, clock):
    """Dead or silent, nothing heard from it proves anything any more."""
    clock.move(PROOF_LASTS_S)

    assert PROOF_LASTS_S == 1.0
    eventually(lambda: broken.health()["coherence"] == "unproved", within_s=10)


def test_get_of_a_cold_key_is_none(broken, chain):
    """A miss, not an error."""
    assert broken.get(chain[0].key(name="cold")) is None


def test_get_many_serves_what_there_is(broken, chain):
    """A partial hit."""
    trip(broken, chain)
    keys = [chain[0].key(name="a"), chain[1].key(name="b"), chain[0].key(name="cold")]

    found = broken.get_many(keys)

    assert [found[key].value for key in keys[:2]] == [1, 2]
    assert keys[2] not in found


def test_put_reaches_the_nearer_tiers_and_says_so(broken, chain):
    """Redis failed, the others stored; the write is remembered."""
    trip(broken, chain)

    result = broken.put(chain[0].key(name="a"), 3)

    assert result.tiers == {"l1": "stored", "l2": "stored", "l3": "failed"}
    assert broken.get(chain[0].key(name="a")).value == 3
    assert broken.stats()["outbox"] == 1


def test_derive_works_on_what_there_is(broken, chain):
    """The result is fresh as long as its inputs are."""
    trip(broken, chain)

    entry = broken.derive(chain[1].key(name="a"), [chain[0].key(name="a")], len)

    assert (entry.value, entry.state) == (1, "fresh")


def test_get_or_compute_computes(broken, chain):
    """Once per process."""
    trip(broken, chain)

    assert broken.get_or_compute(chain[0].key(name="cold"), lambda: 9).value == 9
    assert broken.get_or_compute(chain[0].key(name="cold"), lambda: 8).value == 9


def test_expire_works_here_and_in_memcached(broken, chain):
    """Another process that comes to Memcached sees it stale."""
    trip(broken, chain)
    key = chain[0].key(name="a")

    touched = broken.expire(key)

    assert touched == (key,)
    assert broken.get(key).state == "stale"


def test_remove_works_here_and_in_memcached(broken, chain):
    """Gone."""
    trip(broken, chain)

    broken.remove(chain[0].key(name="a"))

    assert broken.get(chain[0].key(name="a")) is None


def test_a_lock_holds_within_the_process(broken, chain):
    """Nobody can speak for the others, and work goes on; it says that nobody could say."""
    trip(broken, chain)

    first, second = broken.lock("run", 5), broken.lock("run", 5)

    assert (first.held, first.known, second.held) == (True, False, False)
    first.release()
    assert broken.lock("run", 5).held


def test_a_claim_holds_within_the_process(broken, chain):
    """For its time."""
    trip(broken, chain)

    assert [broken.claim("run", 0.3), broken.claim("run", 5), broken.claim("other", 5)] == [True, False, True]
    assert eventually(lambda: broken.claim("run", 5), within_s=10)


def test_token_subscribe_warm_stats_and_health_answer(broken, chain):
    """Each says what it can."""
    trip(broken, chain)

    assert broken.token().version > 0
    broken.subscribe(print)()
    assert broken.warm([chain[0].key(name="a"), chain[0].key(name="cold")]) == 1
    assert broken.health()["l3"] == "down"
    assert broken.health()["l2"] == "up"
    assert broken.stats()["breakers"]["l3"]["openings"] >= 1


def test_close_ends(broken):
    """Within a second or so."""
    _, took_s = timed(broken.close)

    assert took_s < 3


def test_without_memcached_the_last_value_is_served_as_stale(make_breakable, chain):
    """L1 alone is left: its values are served, marked, once nobody can confirm them."""
    cache = make_breakable.proved("l1 l3")
    key = chain[0].key(name="a")
    cache.put(key, 1)

    make_breakable.redis.kill()
    entry = eventually(lambda: (found := cache.get(key)).state == "stale" and found, within_s=10)

    assert entry.value == 1
