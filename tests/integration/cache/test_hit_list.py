"""Claims about the hit list, about warming from it, and about what is found to be ageing."""

from __future__ import annotations

import time

import pytest

from cache import Kind, census, hit_list, tiered, warming
from cache.census import Census

pytestmark = pytest.mark.integration


def put(cache, kind, *names: str):
    """Write one value under each name."""
    for name in names:
        cache.put(kind.key(name=name), {"of": name})


def read(cache, kind, *names: str, times=1):
    """Read each name so many times."""
    for _ in range(times):
        for name in names:
            cache.get(kind.key(name=name))


def report(cache):
    """Have a process report now, and not only within its five seconds."""
    assert cache._engine.census.report()


def listed(cache, role, most=100):
    """The hit list of the last hour, as text and uses."""
    return dict(cache._engine.hits.top((role,), hit_list.last_hour(cache._clock()), most))


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """Processes report when a test says so, and when they end."""
    monkeypatch.setattr(Census, "report_if_due", lambda _: None)


def test_uses_are_counted_per_key_wherever_the_answer_came_from(make, chain):
    """A hit in L1 is one use as a read from Redis is; a write is none, and no use is told of twice."""
    source, *_ = chain
    writer, web = make.proved(name="scorer"), make.proved(name="web")
    put(writer, source, "a", "b", "unread")
    read(web, source, "a", times=5)
    read(web, source, "b", times=2)
    report(web)
    read(web, source, "b")
    report(web)
    report(writer)

    assert listed(web, "web") == {"source|a": 5, "source|b": 3}
    assert listed(web, "scorer") == {}


def test_uses_outlive_the_entry_that_was_used(make, chain):
    """A key is as popular after its value was replaced as before."""
    source, *_ = chain
    web = make.proved("l1 l3", name="web")
    for _ in range(3):
        put(web, source, "a")
        read(web, source, "a", times=2)
    report(web)

    assert listed(web, "web") == {"source|a": 6}


def test_the_list_forgets_after_an_hour(make, chain, clock):
    """What was used ten minutes ago still counts, what was used more than an hour ago does not."""
    source, *_ = chain
    web = make.proved("l1 l3", name="web")
    put(web, source, "early")
    read(web, source, "early", times=9)
    report(web)
    clock.move(3000)
    put(web, source, "late")
    read(web, source, "late", times=3)
    report(web)
    assert listed(web, "web").keys() == {"source|early", "source|late"}

    clock.move(601)

    assert listed(web, "web").keys() == {"source|late"}


def test_the_list_is_bounded(make, chain, monkeypatch):
    """The least used of too many are not listed; and Redis drops a list that nobody asks for any more."""
    monkeypatch.setattr(hit_list, "MOST_KEYS", 10)
    source, *_ = chain
    web = make.proved("l1 l3", name="web")
    names = [f"n{number:02}" for number in range(30)]
    put(web, source, *names)
    read(web, source, *names)
    read(web, source, *names[:5], times=3)
    report(web)
    far = web._engine.far
    (key,) = far.quick.keys(f"{far.base}:hits:web:*")

    assert far.quick.zcard(key) == 10
    assert {f"source|{name}" for name in names[:5]} <= listed(web, "web").keys()
    assert 0 < far.quick.ttl(key) <= hit_list.KEPT_S


def test_one_report_tells_of_so_many_keys_and_no_more(make, chain, monkeypatch):
    """The most used ones."""
    monkeypatch.setattr(census, "MOST_USES", 3)
    source, *_ = chain
    web = make.proved("l1 l3", name="web")
    names = [f"n{number}" for number in range(9)]
    put(web, source, *names)
    read(web, source, *names)
    read(web, source, *names[:3])
    report(web)

    assert listed(web, "web") == {f"source|{name}": 2 for name in names[:3]}


def test_a_new_process_warms_what_others_of_its_role_read_most(make, chain):
    """And nothing of another role's; its first read is then answered by its own memory."""
    source, middle, *_ = chain
    web, scorer = make.proved(name="web"), make.proved(name="scorer")
    put(scorer, source, "a", "b", "c")
    put(scorer, middle, "a")
    read(web, middle, "a", times=3)
    read(web, source, "a", times=2)
    read(scorer, source, "b", "c", times=9)
    web.close()
    report(scorer)
    newcomer = make(name="web")

    loaded = newcomer.warm()

    assert loaded == 2
    held = newcomer._engine.tiers.memory
    assert {text for text in ("middle|a", "source|a", "source|b", "source|c") if held.peek(text)} == {
        "middle|a",
        "source|a",
    }
    before = newcomer.stats()["kinds"]["middle"]["l1_hits"]
    assert newcomer.get(middle.key(name="a")).value == {"of": "a"}
    assert newcomer.stats()["kinds"]["middle"]["l1_hits"] == before + 1


def test_warming_is_not_using(make, chain):
    """Else what nobody reads would be loaded again by every process that starts."""
    source, *_ = chain
    web = make.proved(name="web")
    put(web, source, "a")
    read(web, source, "a", times=3)
    web.close()
    newcomer = make(name="web")

    assert newcomer.warm() == 1
    assert newcomer.warm([source.key(name="a")]) == 1
    report(newcomer)

    assert listed(newcomer, "web") == {"source|a": 3}


def test_warming_stops_at_its_number_and_at_its_time(make, chain, monkeypatch):
    """A long list must not keep a process from getting ready."""
    monkeypatch.setattr(warming, "BATCH", 2)
    source, *_ = chain
    web = make.proved("l1 l3", name="web")
    names = [f"n{number}" for number in range(8)]
    put(web, source, *names)
    read(web, source, *names)
    web.close()
    newcomer = make("l1 l3", name="web")
    ticks = iter(range(100))
    newcomer._warmer._monotonic = lambda: next(ticks)
    wanted = newcomer._warmer.wanted()

    loaded = newcomer._warmer.load(wanted, newcomer.get_many, within_s=2.5)

    assert len(wanted) == 8
    assert loaded == 4
    assert len(newcomer._warmer.wanted(most=3)) == 3


def test_without_redis_a_process_just_starts(make_breakable, own_redis, chain, monkeypatch):
    """Nothing is listed, and nobody waits for a proof that cannot come."""
    monkeypatch.setattr(tiered, "WARM_PATIENCE_S", 60.0)
    own_redis.kill()
    cache = make_breakable(name="web")
    began = time.monotonic()

    assert cache.warm() == 0
    assert cache.warm([chain[0].key(name="a")]) == 0

    assert time.monotonic() - began < 10


def test_without_a_list_nothing_is_warmed(make):
    """No role has used anything yet, or there is no Redis, or no memory to load into."""
    for tiers in ("l1 l3", "l1", "l3"):
        assert make(tiers, name="web").warm() == 0


class TestAgeing:
    """What is read often and turns stale soon."""

    def aged(self, cache, *kinds: Kind, least_uses=2):
        """The texts found."""
        return [one.key.text for one in cache.ageing(kinds, least_uses=least_uses)]

    def test_it_is_found_in_the_last_fifth_of_its_life(self, make, chain, clock):
        """Not before, and not once it is stale: then somebody else has noticed."""
        source, *_ = chain
        web, asking = make.proved(name="web"), make.proved(name="scorer")
        put(web, source, "a")
        read(web, source, "a", times=3)
        report(web)
        found = []

        for _ in range(4):
            found.append(self.aged(asking, source))
            clock.move(17)

        assert found == [[], [], [], ["source|a"]]
        clock.move(10)
        assert self.aged(asking, source) == []

    def test_what_was_renewed_or_invalidated_is_not_found(self, make, chain, clock):
        """A regular run has done it, or is about to."""
        source, *_ = chain
        web = make.proved(name="web")
        put(web, source, "idle", "renewed", "expired", "removed")
        read(web, source, "idle", "renewed", "expired", "removed", times=3)
        report(web)
        clock.move(50)
        put(web, source, "renewed")
        web.expire(source.key(name="expired"))
        web.remove(source.key(name="removed"))

        assert self.aged(web, source) == ["source|idle"]

    def test_only_what_is_read_often_and_lately_and_of_the_kinds_wanted(self, make, chain, clock):
        """The most used first, whatever role reads them."""
        source, middle, *_ = chain
        web, scorer = make.proved("l1 l3", name="web"), make.proved("l1 l3", name="scorer")
        put(web, source, "once", "twice", "often")
        put(web, middle, "often")
        read(web, source, "once")
        read(scorer, source, "twice", times=2)
        read(web, source, "often", times=2)
        read(scorer, source, "often", times=2)
        read(web, middle, "often", times=9)
        report(web)
        report(scorer)
        clock.move(50)

        assert self.aged(web, source) == ["source|often", "source|twice"]
        clock.move(2 * 600)
        assert self.aged(web, source, middle) == []

    def test_looking_uses_nothing_and_loads_nothing(self, make, chain, clock):
        """A look that counted as a use would keep itself going for ever."""
        source, *_ = chain
        web, asking = make.proved(name="web"), make.proved(name="scorer")
        put(web, source, "a")
        read(web, source, "a", times=3)
        report(web)
        clock.move(50)

        assert self.aged(asking, source) == ["source|a"]

        report(asking)
        assert listed(asking, "scorer") == {}
        assert len(asking._engine.tiers.memory) == 0
        assert listed(asking, "web") == {"source|a": 3}

    def test_it_says_when_the_stored_value_was_true_and_until_when_it_is_fresh(self, make, chain, clock):
        """As the entry itself says it."""
        source, *_ = chain
        web = make.proved(name="web")
        entry = web.put(source.key(name="a"), 1, as_of=1_700_000_000.25).entry
        read(web, source, "a", times=3)
        report(web)
        clock.move(50)

        (one,) = web.ageing([source], least_uses=2)

        assert (one.as_of, one.stored_at, one.fresh_until, one.uses) == (
            entry.as_of, entry.stored_at, entry.fresh_until, 3,
        )  # fmt: skip


class TestWatched:
    """What somebody looks at."""

    def watched(self, cache, *kinds: Kind, **roles: object):
        """The texts found."""
        return [one.text for one in cache.watched(kinds, **roles)]

    def test_it_is_what_the_web_reads_and_not_what_workers_do(self, make, chain):
        """Of the kinds that are asked for; other roles are asked for by name."""
        source, derived, *_ = chain
        web, scorer = make.proved(name="web"), make.proved(name="scorer")
        for name in ("a", "b"):
            put(web, source, name)
        read(web, source, "a")
        read(scorer, source, "b")
        report(web)
        report(scorer)

        assert self.watched(scorer, source) == ["source|a"]
        assert self.watched(scorer, derived) == []
        assert self.watched(scorer, source, roles=("scorer",)) == ["source|b"]

    def test_nobody_looks_for_ever(self, make, chain, clock):
        """Half an hour after the last look its symbol is like all others."""
        source, *_ = chain
        web, asking = make.proved(name="web"), make.proved(name="scorer")
        put(web, source, "a")
        read(web, source, "a")
        report(web)
        clock.move(1800)

        assert self.watched(asking, source) == []
