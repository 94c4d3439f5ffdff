from __future__ import annotations

import json

import pytest

from benchmarks.result import Ratio, Result, as_json, from_json, rounded
from benchmarks.table import DOCS, GROUPS, as_markdown, as_table, with_table


@pytest.fixture
def result():
    """A row with everything that a row can have."""
    return Result(
        "B1", "a hit", 123.4, "ns", (100.0, 150.0), "<= 250 ns, >= 2x peer", reached=False,
        peers={"peer": 200.0, "hanging": 2000.0}, ratios={"peer": Ratio(1.6, 1.5, 1.7)},
        further={"p99": 300.0}, at_least=("hanging",), missed=(">= 2x peer",), notes=("by hand",),
    )  # fmt: skip


def test_the_json_has_the_fields_that_programs_rely_on(result):
    """Figures are numbers, the peers an object of name and value."""
    (one,) = json.loads(as_json([result]))

    assert {name: one[name] for name in ("id", "ours", "unit", "reach", "reached", "peers")} == {
        "id": "B1",
        "ours": 123.4,
        "unit": "ns",
        "reach": "<= 250 ns, >= 2x peer",
        "reached": False,
        "peers": {"peer": 200.0, "hanging": 2000.0},
    }


def test_results_come_back_from_their_json(result):
    """The stored run can be printed again."""
    assert from_json(as_json([result])) == [result]


def test_the_table_names_what_was_missed_and_marks_a_bound(result):
    """Nobody has to compute."""
    table = as_table([result])

    assert "NOT reached" in table
    assert "missed: >= 2x peer" in table
    assert "at least 2,000" in table
    assert "1.5 to 1.7" in table


def test_the_markdown_has_one_row_per_result_and_no_raw_angle_bracket(result):
    """A `<` would begin a tag."""
    lines = as_markdown([result, result]).splitlines()

    assert len(lines) == 4
    assert {line.count("|") for line in lines} == {7}
    assert "<=" not in lines[2]
    assert "peer 200 (1.6x)" in lines[2]


def test_a_row_that_failed_is_printed_all_the_same():
    """Without a figure, and not reached."""
    failed = Result("B2", "failed", None, "", (0.0, 0.0), "<= 1 s", reached=False)

    assert "NOT reached" in as_table([failed])
    assert "**not reached**" in as_markdown([failed])
    assert json.loads(as_json([failed]))[0]["ours"] is None


@pytest.mark.parametrize(
    ("figure", "shown"), [(0.0, 0.0), (12345.6, 12350.0), (0.00012345, 0.0001234), (1, 1.0)]
)
def test_figures_have_four_significant_digits(figure, shown):
    """More would be noise."""
    assert rounded(figure) == pytest.approx(shown, rel=1e-3)


def test_the_table_replaces_the_one_before_it():
    """What is around it stays."""
    page = "above\n<!-- cache: begin -->\nold\n<!-- cache: end -->\nbelow"

    once = with_table(page, "cache", r"| new \1 |")

    assert once == "above\n<!-- cache: begin -->\n| new \\1 |\n<!-- cache: end -->\nbelow"
    assert with_table(once, "cache", "old") == page


def test_a_page_without_the_marks_is_refused():
    """Nothing is lost silently."""
    with pytest.raises(ValueError, match="no place for cache"):
        with_table("a page", "cache", "| x |")


def test_the_docs_have_a_place_for_each_stored_group():
    """So that filing them cannot fail."""
    page = DOCS.read_text()

    for group in GROUPS:
        assert "| x |" in with_table(page, group, "| x |")
