from __future__ import annotations

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("patient")]


def test_stats_tell_of_all_processes_and_servers(operator, cache, make, stored):
    """Hit rates by kind and tier, how each process is, what the servers hold."""
    other = make()
    for one in (cache, other):
        one.get_many(stored)
        one._engine.census.report()

    code, out, _ = operator.types("stats")
    body = operator.document("stats")

    assert code == 0
    assert body["gathered"]["kinds"]["source"]["puts"] == 1
    assert len(body["gathered"]["processes"]) == 2
    assert body["order"]["generation"] == cache.stats()["generation"]
    assert body["redis"]["used_memory"] > 0
    assert list(body["memcached"]) == [make.memcached.address]
    for title in (
        "reads  2 processes running, 0 ended",
        "writes",
        "processes",
        "who reads whose writes",
        "l2",
    ):
        assert f"\n{title}" in f"\n{out}"


def test_stats_of_an_empty_server_have_nothing_to_divide_by(operator):
    """Nothing was read or written yet: dashes, and no error."""
    code, out, _ = operator.types("stats")

    assert code == 0
    assert "reads  0 processes running, 0 ended" in out


def test_a_memcached_that_does_not_answer_is_told_of(breakable_operator, make_breakable):
    """The rest of the answer comes all the same, and inspect says it as well."""
    make_breakable.memcached.kill()

    code, out, _ = breakable_operator.types("stats")
    seen = breakable_operator.types("inspect", "source", "x")[1]

    assert code == 0
    assert f"Memcached at {make_breakable.memcached.address} does not answer" in out
    assert f"l2 {make_breakable.memcached.address}" in seen
    assert "does not answer" in seen
