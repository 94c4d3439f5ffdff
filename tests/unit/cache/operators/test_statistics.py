from __future__ import annotations

import io

import pytest

from cache.operators import servers, statistics
from cache.operators.paper import Paper


@pytest.fixture
def out():
    """What was written."""
    return io.StringIO()


def process(breakers):
    """One process's word of itself, with the state of its breakers and how often they opened."""
    return {
        "started": 1000.0,
        "at": 1060.0,
        "coherence": "unproved",
        "l1": {"entries": 7, "bytes": 2048, "evictions": 1},
        "outbox": 3,
        "breakers": {name: {"state": state, "openings": count} for name, (state, count) in breakers.items()},
    }


@pytest.mark.parametrize(
    ("breakers", "told"),
    [
        ({"l3": ("closed", 0)}, "closed"),
        ({"l3": ("closed", 2), "l2 h:1": ("closed", 0)}, "closed; opened before: l3 2"),
        ({"l3": ("closed", 2), "l2 h:1": ("open", 1)}, "open: l2 h:1"),
        ({"l3": ("half_open", 1)}, "open: l3"),
    ],
)
def test_a_process_is_one_line_with_what_is_broken_now_or_was_before(out, breakers, told):
    """A breaker that is being probed is still open."""
    statistics._processes(Paper(out), {"processes": {"web@vm:1": process(breakers)}}, now=1062.0)

    line = out.getvalue().splitlines()[2]
    assert line.endswith(f"  {told}")
    assert line.removesuffix(told).split() == [
        "web@vm:1",
        "1",
        "min",
        "2",
        "s",
        "2",
        "s",
        "ago",
        "unproved",
        "7",
        "2.0",
        "KB",
        "1",
        "3",
    ]


def test_shares_are_of_what_each_tier_was_asked_for(out):
    """L2 is asked for what L1 did not have, L3 for what neither had; nothing read is a dash."""
    counts = {"l1_hits": 80, "l2_hits": 10, "l3_hits": 5, "misses": 4, "unconfirmed": 1, "stale_served": 50}
    totals = {
        "processes": {},
        "ended": 2,
        "complete": False,
        "kinds": {"a": counts, "b": {}},
        "roles": {"web": counts, "scorer": {}},
        "total": counts,
    }

    statistics._reads(Paper(out), totals)

    lines = [line.split("  ") for line in out.getvalue().splitlines()]
    rows = {row[1]: [cell.strip() for cell in row[2:] if cell.strip()] for row in lines if len(row) > 3}
    assert rows["a"] == rows["all of web"] == ["100", "80.0 %", "50.0 %", "50.0 %", "4.0 %", "50.0 %"]
    assert rows["b"] == ["0", "-", "-", "-", "-", "-"]
    assert "0 processes running, 2 ended" in out.getvalue()
    assert "did not tell of all" in out.getvalue()


def test_the_pairs_that_share_most_come_first_and_the_rest_is_counted(out):
    """Who reads whose writes is cut off at a dozen pairs."""
    readers = {f"reader{at:02}": {"a": at, "b": 100} for at in range(15)}

    statistics._who_reads_whom(Paper(out), {"read_from": {"writer": readers}})

    lines = out.getvalue().splitlines()
    assert lines[2].split() == ["reader14", "writer", "114", "b", "100,", "a", "14"]
    assert lines[-2] == "  ... and 3 pairs more"


def test_a_server_that_keeps_figures_to_itself_is_still_shown(out):
    """Hosted servers leave out some of INFO; Valkey tells its own version."""
    redis = servers.redis_facts({"valkey_version": "9.1.0", "redis_version": "7.2.4"}, "h:1 database 0")
    order = {"version": 0, "generation": 0, "floor": 0}

    servers.show(Paper(out), {"redis": redis, "order": order, "at": 0.0, "memcached": {"h:2": None}})

    assert "Valkey 9.1.0 at h:1 database 0" in out.getvalue()
    assert "nothing was ever written here" in out.getvalue()
    assert "Memcached at h:2 does not answer" in out.getvalue()
