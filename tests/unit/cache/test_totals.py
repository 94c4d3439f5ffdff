"""Claims about the hit list's arithmetic, about ageing, and about many processes' reports as one answer."""

from __future__ import annotations

import pytest

from cache import Ageing, Grace, Kind, hit_list
from cache.ageing import is_ageing
from cache.stats import UNKNOWN_WRITER
from cache.totals import ALIVE_S, everywhere, hit_rates

NOW = 1_800_000_000.0
KIND = Kind("k", ("x",), ttl=60)


def report(role="web", pid=1, writer=1, **other: object):
    """One process's report as Redis gives it back."""
    return {
        "role": role, "pid": pid, "host": "here", "started": NOW - 60, "at": NOW, "ended": False,
        "writer": writer, "kinds": {}, "read_from": {}, "l1": {}, "breakers": {}, "coherence": "proved",
        "outbox": 0, "fences": 0, "generation": 1, "version": 1, **other,
    }  # fmt: skip


class TestBuckets:
    """Ten minutes each, six of them."""

    def test_a_bucket_begins_on_the_straight_ten_minutes(self):
        """For all processes alike."""
        assert hit_list.bucket(1200.0) == hit_list.bucket(1799.9) == 2
        assert hit_list.bucket(1800.0) == 3

    @pytest.mark.parametrize(("ago_s", "counts"), [(0, True), (2999, True), (3600, False)])
    def test_an_hour_is_the_most_that_is_looked_at(self, ago_s, counts):
        """And fifty minutes the least."""
        for now in (NOW, NOW + 1, NOW + 599):
            assert (hit_list.bucket(now - ago_s) in hit_list.last_hour(now)) is counts

    def test_lists_are_added_up(self):
        """The most used first, at most as many as wanted."""
        lists = [[("a", 2.0), ("b", 5.0)], [("a", 4.0), ("c", 1.0)]]

        assert hit_list.merged(lists, 2) == [("a", 6), ("b", 5)]
        assert hit_list.merged([], 2) == []


class TestAgeing:
    """When an entry is about to turn stale."""

    def ageing(self, kind, fresh_until, stored_at=NOW, **params: str):
        """A look at one key."""
        return Ageing(kind.key(**params), 1, stored_at, stored_at, fresh_until)

    @pytest.mark.parametrize(
        ("age_s", "found"), [(0, False), (47, False), (48, True), (59, True), (60, False)]
    )
    def test_the_last_fifth_of_a_life(self, age_s, found):
        """Not once it is over."""
        one = self.ageing(KIND, NOW + 60, x="1")

        assert is_ageing(one, NOW + age_s, ttl=60) is found

    def test_a_life_cut_short_by_an_input_ages_later(self):
        """The fifth is one of the life that it has."""
        one = self.ageing(KIND, NOW + 10, x="1")

        assert not is_ageing(one, NOW + 7.9, ttl=60)
        assert is_ageing(one, NOW + 8.1, ttl=60)

    def test_a_series_ages_only_after_the_close_that_makes_it_old(self):
        """Four hours of life do not make it old 48 minutes before there is anything new."""
        series = Kind("s", ("timeframe",), ttl=60, close_grace=Grace(share=0.5, at_least_s=30, at_most_s=300))
        close = NOW + 4 * 3600
        one = self.ageing(series, close + 300, timeframe="4h")

        assert not is_ageing(one, close + 287, ttl=60)
        assert is_ageing(one, close + 289, ttl=60)

    def test_a_short_grace_counts_instead_of_a_long_lifetime(self):
        """A regular run needs the time until then."""
        series = Kind("s", ("timeframe",), ttl=60, close_grace=Grace(share=0.5, at_least_s=30, at_most_s=300))
        one = self.ageing(series, NOW + 90, timeframe="1m")

        assert not is_ageing(one, NOW + 83, ttl=60)
        assert is_ageing(one, NOW + 85, ttl=60)


class TestMerging:
    """From many reports to one answer."""

    def test_hit_rates_are_of_what_a_tier_was_asked_for(self):
        """L2 is asked for what L1 did not have, L3 for what neither had."""
        counts = {"l1_hits": 80, "l2_hits": 10, "l3_hits": 5, "misses": 3, "unconfirmed": 2}

        assert hit_rates(counts) == {"l1": 0.8, "l2": 0.5, "l3": 0.5, "any": 0.95}
        assert hit_rates({}) == {"l1": None, "l2": None, "l3": None, "any": None}
        assert hit_rates({"l1_hits": 3})["l3"] is None

    def test_counters_are_summed_by_kind_by_role_and_in_all(self):
        """The living, the dead, and the sums of those long gone."""
        reports = [
            report("web", writer=1, kinds={"a": {"misses": 1}}),
            report("web", writer=2, pid=2, kinds={"a": {"misses": 2}}, ended=True),
            report("scorer", writer=3, kinds={"a": {"misses": 4}, "b": {"misses": 8}}),
        ]
        gone = {"scorer": {"processes": 5, "kinds": {"b": {"misses": 16}}}}

        answer = everywhere(reports, gone, now=NOW, complete=True)

        assert {kind: counts["misses"] for kind, counts in answer["kinds"].items()} == {"a": 7, "b": 24}
        assert {role: counts["misses"] for role, counts in answer["roles"].items()} == {
            "web": 3,
            "scorer": 28,
        }
        assert answer["total"]["misses"] == 31
        assert answer["ended"] == 6
        assert len(answer["processes"]) == 2

    def test_a_process_is_shown_while_it_reports(self):
        """For three reports' time after the last."""
        reports = [report(at=NOW - ALIVE_S), report(pid=2, writer=2, at=NOW - ALIVE_S - 1)]

        answer = everywhere(reports, {}, now=NOW, complete=True)

        assert list(answer["processes"]) == ["web@here:1"]

    def test_two_under_one_name_are_told_apart(self):
        """Two caches in one process, or a process id that came again."""
        answer = everywhere([report(writer=10), report(writer=255)], {}, now=NOW, complete=True)

        assert list(answer["processes"]) == ["web@here:1", "web@here:1#000000ff"]

    def test_who_read_from_whom(self):
        """By readable names; whom nobody remembers is unknown, and added to whom nobody knew."""
        reports = [
            report("fetcher", writer=1),
            report("web", writer=2, read_from={"a": {1: 5, 2: 1, 99: 3, UNKNOWN_WRITER: 4}}),
        ]

        answer = everywhere(reports, {}, now=NOW, complete=True)

        assert answer["read_from"] == {
            "fetcher@here:1": {"web@here:1": {"a": 5}},
            "web@here:1": {"web@here:1": {"a": 1}},
            "unknown": {"web@here:1": {"a": 7}},
        }

    def test_a_counter_of_another_version_of_the_program_is_summed_too(self):
        """While a system is being replaced process by process."""
        answer = everywhere([report(kinds={"a": {"novel": 2}})], {}, now=NOW, complete=True)

        assert answer["kinds"]["a"]["novel"] == 2
