"""The list of invariants is complete, and every test it names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
INVARIANTS = 14
ROW = re.compile(r"^\| (\d+) \| (.+) \| (.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")
LISTED = ROW.findall((ROOT / "docs" / "cache-invariants.md").read_text(encoding="utf-8"))


def claims_in(path: Path) -> set[str]:
    """The functions that pytest would find there."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_invariant_has_a_test_that_exists() -> None:
    """Renaming or losing one is noticed."""
    assert [int(number) for number, _, _ in LISTED] == list(range(1, INVARIANTS + 1))
    for number, _, tests in LISTED:
        named = NAMED.findall(tests)
        assert named, f"invariant {number} has no test"
        for path, name in named:
            assert name in claims_in(ROOT / "tests" / path), f"{path} has no {name}"
