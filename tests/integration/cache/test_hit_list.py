"""Claims about the hit list: what is counted, for how long, and how much of it."""

from __future__ import annotations

import pytest

from cache import census, hit_list
from tests.support.counted import listed, put, read, report

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("quiet")]


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
