"""What every public method answers while Redis, Memcached or both are dead or frozen, call by call."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from cache import Catalogue, Kind, Put, TieredCache, make_tiers
from tests.support import servers
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from cache import Key

pytestmark = pytest.mark.integration

SOURCE = Kind("source", ("name",), ttl=60)
MADE = Kind("made", ("name",), ttl=45, derived_from=(SOURCE,))
# No call of these waits for a lost server; the first that noticed it has cost this once.
BUDGET_S = 0.5
EVERYWHERE = ("redis", "memcached", "both")


@dataclass(frozen=True)
class Row:
    """One call, and its answer by what is broken."""

    call: Callable[[TieredCache, Keys], Any]
    redis: Any
    memcached: Any
    both: Any


@dataclass(frozen=True)
class Keys:
    """The keys of one row: `held` is stored, `made` is derived from it, `cold` is not there."""

    held: Key
    made: Key
    cold: Key


def same(call, answer):
    """A call whose answer does not depend on what is broken."""
    return Row(call, answer, answer, answer)


def wrote(l2, l3):
    """What a write says of the tiers."""
    return {"l1": "stored", "l2": l2, "l3": l3}


def told(cache, keys):
    """What a subscriber hears of a write and an expiry of a key of its own."""
    changes = []
    leave = cache.subscribe(changes.append, kinds=[SOURCE])
    cache.put(keys.cold, 1)
    cache.expire(keys.cold)
    eventually(lambda: len(changes) >= 2, within_s=10)
    leave()
    return [(change.keys, change.reason) for change in changes] == [
        ((keys.cold,), "put"),
        ((keys.cold,), "expire"),
    ]


def locked(cache, name):
    """A lock, taken twice: held and known, and the second one's held."""
    with cache.lock(name, 5) as first, cache.lock(name, 5) as second:
        return first.held, first.known, second.held


WRITES = (wrote("stored", "failed"), wrote("failed", "stored"), wrote("failed", "failed"))
TABLE = {
    "get": same(lambda cache, keys: cache.get(keys.held).value, 1),
    "get, cold": same(lambda cache, keys: cache.get(keys.cold), None),
    "get, max_age": same(lambda cache, keys: cache.get(keys.held, max_age=0.0).state, "stale"),
    "get_many": same(
        lambda cache, keys: [
            (key.kind.name, entry.value)
            for key, entry in cache.get_many([keys.held, keys.made, keys.cold]).items()
        ],
        [("source", 1), ("made", 2)],
    ),
    "put": Row(lambda cache, keys: cache.put(keys.held, 3).tiers, *WRITES),
    "put, read again": same(lambda cache, keys: (cache.put(keys.held, 3), cache.get(keys.held).value)[1], 3),
    "put_many": Row(
        lambda cache, keys: [one.tiers for one in cache.put_many([Put(keys.held, 3), Put(keys.cold, 4)])],
        *([one, one] for one in WRITES),
    ),
    "put, with a token": same(
        lambda cache, keys: cache.put(keys.held, 3, token=cache.token()).born_stale, False
    ),
    "put, with an older token": same(
        lambda cache, keys: (
            token := cache.token(), cache.expire(keys.held), cache.put(keys.held, 3, token=token).born_stale
        )[2],
        True,
    ),
    "derive": same(
        lambda cache, keys: cache.derive(keys.made, [keys.held], lambda read: read[keys.held].value).value,
        1,
    ),
    "derive, cold": same(
        lambda cache, keys: cache.derive(keys.made, [keys.cold], lambda read: read[keys.cold]).value, None
    ),
    "derive_many": same(
        lambda cache, keys: [
            entry.value
            for entry in cache.derive_many(
                [keys.made], lambda _: [keys.held], lambda batch: dict.fromkeys(batch, 5)
            ).values()
        ],
        [5],
    ),
    "get_or_compute": same(
        lambda cache, keys: [cache.get_or_compute(keys.cold, lambda i=i: i).value for i in (7, 8)], [7, 7]
    ),
    "expire": same(lambda cache, keys: set(cache.expire(keys.held)) == {keys.held, keys.made}, True),
    "expire, read again": same(
        lambda cache, keys: (
            cache.expire(keys.held), {one.state for one in cache.get_many([keys.held, keys.made]).values()}
        )[1],
        {"stale"},
    ),
    "remove": same(lambda cache, keys: set(cache.remove(keys.held)) == {keys.held, keys.made}, True),
    "remove, read again": same(
        lambda cache, keys: (cache.remove(keys.held), cache.get_many([keys.held, keys.made]))[1], {}
    ),
    "token": same(lambda cache, _: cache.token().version > 0, True),
    "warm": same(lambda cache, keys: cache.warm([keys.held, keys.made, keys.cold]), 2),
    "subscribe": same(told, True),
    "lock": Row(
        lambda cache, keys: locked(cache, keys.held.name),
        (True, False, False), (True, True, False), (True, False, False),
    ),
    "claim": same(lambda cache, keys: [cache.claim(keys.held.name, 5) for _ in range(2)], [True, False]),
    "journal": Row(
        lambda cache, keys: cache.journal(keys.held.name).recent(5), redis=None, memcached=[], both=None
    ),
    "bucket": Row(
        lambda cache, keys: cache.bucket(keys.held.name).close(1, word="banned", reason="418"),
        redis=None, memcached=True, both=None,
    ),
    "ttl": same(lambda cache, _: cache.ttl(SOURCE), 60.0),
    "stats": Row(
        lambda cache, _: [one["state"] == "closed" for one in cache.stats()["breakers"].values()],
        [True, False], [False, True], [False, False],
    ),
    "stats_everywhere": Row(
        lambda cache, _: cache.stats_everywhere()["complete"], redis=False, memcached=True, both=False
    ),
    "ageing": same(lambda cache, _: cache.ageing([SOURCE]), []),
    "watched": same(lambda cache, _: cache.watched([SOURCE]), ()),
    "health": Row(
        lambda cache, _: [cache.health()[tier] for tier in ("l1", "l2", "l3")],
        ["up", "up", "down"], ["up", "down", "up"], ["up", "down", "down"],
    ),
}  # fmt: skip


def keys_of(row):
    """The keys of a row of the table."""
    return Keys(SOURCE.key(name=row), MADE.key(name=row), SOURCE.key(name=f"cold {row}"))


@pytest.fixture(scope="module", params=[(what, how) for what in EVERYWHERE for how in ("kill", "freeze")])
def broken(request):
    """A cache that holds every row's keys and has just noticed what is broken; and what that is."""
    what, how = request.param
    with ExitStack() as stack:
        running = {
            "redis": stack.enter_context(servers.redis_server()),
            "memcached": stack.enter_context(servers.memcached_server()),
        }
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for module in ("redis", "memcached_node"):
            patch.setattr(f"cache.tiers.{module}.BUDGET_S", BUDGET_S)
        tiers = make_tiers(
            clock=time.time,
            redis_url=f"{running['redis'].url}/0",
            memcached_servers=(running["memcached"].address,),
        )
        cache = TieredCache(tiers=tiers, catalogue=Catalogue((SOURCE, MADE)))
        stack.callback(cache.close)
        eventually(lambda: cache.health()["coherence"] == "proved", within_s=10)
        for row in TABLE:
            keys = keys_of(row)
            cache.put(keys.held, 1)
            cache.derive(keys.made, [keys.held], lambda _: 2)
        for name in running if what == "both" else (what,):
            getattr(running[name], how)()
        eventually(lambda: notices(cache, what), within_s=10)
        yield cache, what


def notices(cache, what):
    """Whether the cache, asked for something that it does not have, knows what is broken."""
    cache.get(SOURCE.key(name="nowhere"))
    health = cache.health()
    down = {tier for tier, name in (("l2", "memcached"), ("l3", "redis")) if what in (name, "both")}
    return {tier for tier in ("l2", "l3") if health[tier] == "down"} == down


@pytest.mark.parametrize("row", TABLE)
def test_every_call_answers_and_costs_nothing(broken, row):
    """As the table says, without an exception and without a wait."""
    cache, what = broken
    started = time.monotonic()

    answer = TABLE[row].call(cache, keys_of(row))

    assert answer == getattr(TABLE[row], what)
    assert time.monotonic() - started < BUDGET_S


def test_the_table_has_every_public_method():
    """A new method has its answers in it; `close` and `from_settings` are tested where they belong."""
    public = {name for name in vars(TieredCache) if not name.startswith("_")}

    assert public - {row.partition(",")[0] for row in TABLE} == {"close", "from_settings"}
