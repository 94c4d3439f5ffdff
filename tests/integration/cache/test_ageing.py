"""Claims about what is found to be ageing, and about what somebody looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.counted import listed, put, read, report

if TYPE_CHECKING:
    from cache import Kind

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("quiet")]


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
