from __future__ import annotations

import pytest

from cache.operators import looking, trees

pytestmark = pytest.mark.integration


def test_the_tree_of_kinds_counts_what_is_stored(operator, stored):
    """Each kind once under its parents, with its lifetime."""
    code, out, _ = operator.types("tree")

    assert (code, len(stored)) == (0, 4)
    assert [line.split()[:4] for line in out.splitlines()] == [
        ["kind", "stored", "lifetime", "parameters"],
        ["source", "1", "1", "min"],
        ["└─", "middle", "1", "45"],
        ["├─", "next", "1", "30"],
        ["│", "└─", "last", "1"],
        ["└─", "board", "0", "20"],
        ["└─", "page", "0", "10"],
    ]


def test_the_tree_of_one_kind_begins_with_it_and_names_its_parents(operator, stored):
    """What it is made of stands above, what is made of it below."""
    out = operator.types("tree", "middle")[1]
    body = operator.document("tree", "middle")

    assert out.startswith("derived from source\n")
    assert [kind["name"] for kind in body["kinds"]] == ["middle", "next", "last", "board", "page"]
    assert body["kinds"][0]["stored"] == len(stored[1:2])


def test_what_no_kind_here_knows_is_counted_apart(operator, cache, stored, make):
    """A system of another version may share the server."""
    cache._engine.far.connect(1).set(f"{{{make.prefix}}}:e:older|{stored[0].name}", b"x")

    assert "and 1 entry of kinds that are not known here" in operator.types("tree")[1]
    assert operator.document("tree")["unknown"] == {"older": 1}


def test_the_tree_of_a_key_is_drawn_to_any_depth_with_states(operator, cache, stored):
    """The live tree says of every value made of it how it would be served."""
    cache.expire(stored[2])
    name = stored[0].name

    code, out, _ = operator.types("tree", stored[0].text)
    rows = [line.replace("└─", "  ").split() for line in out.splitlines()]

    assert code == 0
    assert [(row[0], row[1]) for row in rows] == [
        (f"source|{name}", "fresh"),
        (f"middle|{name}", "fresh"),
        (f"next|{name}", "stale"),
        (f"last|{name}", "stale"),
    ]


def test_what_is_made_of_one_value_in_two_ways_is_drawn_once(operator, cache, stored, gathered):
    """A graph is drawn as a tree; the second time refers to the first."""
    board, page = (kind.key(name="all") for kind in gathered)
    for key, inputs in ((board, stored[:2]), (page, (board,))):
        cache.derive(key, inputs, lambda _: 1)

    nodes = {node["key"]: node["derives"] for node in operator.document("tree", stored[0].text)["nodes"]}
    lines = operator.types("tree", stored[0].text)[1].splitlines()

    assert nodes[stored[0].text] == [board.text, stored[1].text]
    assert nodes[board.text] == [page.text]
    assert sum(page.text in line for line in lines) == 1
    assert [line.endswith("see above") for line in lines if board.text in line] == [False, True]


def test_a_tree_too_large_is_cut_off_and_it_is_said(operator, stored, monkeypatch):
    """The bound holds for the keys drawn, and JSON tells of it as well."""
    monkeypatch.setattr(trees, "MOST_NODES", 2)

    body = operator.document("tree", stored[0].text)

    assert ([node["key"] for node in body["nodes"]], body["complete"]) == (
        [stored[0].text, stored[1].text],
        False,
    )
    assert "cut off at 2 keys" in operator.types("tree", stored[0].text)[1]


@pytest.mark.parametrize("words", [("tree",), ("inspect", "middle|BTC/USDT:USDT")])
def test_a_server_with_too_many_keys_is_looked_through_in_part(operator, stored, monkeypatch, words):
    """An operator does not wait for ever, and is told that there may be more."""
    monkeypatch.setattr(looking, "SCAN_COUNT", 1)
    monkeypatch.setattr(looking, "MOST_SCANNED", 1)

    out = operator.types(*words)[1]

    assert stored
    assert "counted in part only" in out or "or more: the search was cut off here" in out


def test_the_tree_of_a_key_that_is_not_there_is_not_found(operator, stored):
    """With the nearest key that is."""
    code, _, complaint = operator.types("tree", "source", "BTC/USDT")

    assert (code, complaint) == (1, f"not stored; did you mean {stored[0].text!r}?")
