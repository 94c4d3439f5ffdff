from __future__ import annotations

import importlib.util
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks.market import bare, inputs, scoring
from benchmarks.market.peers import process
from benchmarks.market.reach import REACH
from benchmarks.market.run import ROWS

ROOT = Path(__file__).parents[3]


def test_pandas_is_not_in_the_environment_of_the_system():
    """TA-Lib would import it in every process: the libraries on it have an environment of their own."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())
    named = " ".join(
        [
            *groups["project"]["dependencies"],
            *(str(groups["dependency-groups"][name]) for name in ("test", "bench")),
        ]
    )

    assert "pandas" not in named
    assert "pandas-ta-classic" in str(groups["dependency-groups"]["peers"])
    assert "peers" not in groups["tool"]["uv"]["default-groups"]
    assert all(importlib.util.find_spec(name) is None for name in ("pandas", "ta", "pandas_ta_classic"))


def test_where_the_peers_are_missing_the_way_to_them_is_told():
    """The message has the command, which is the one that `make bench` runs."""
    makefile = (ROOT / "Makefile").read_text()

    assert process.SET_UP in process.HOW
    assert "UV_PROJECT_ENVIRONMENT=.venv-peers $(UV) sync --frozen --only-group peers" in makefile
    assert process.SET_UP == "UV_PROJECT_ENVIRONMENT=.venv-peers uv sync --frozen --only-group peers"
    assert ".venv-peers" in (ROOT / ".gitignore").read_text()


def test_what_is_compared_with_the_peers_is_measured():
    """Indicators that must agree are among the bare calls."""
    columns = bare.columns(inputs.candles(0)["1m"])

    assert set(scoring.SAME) <= set(columns)
    assert {len(column) for column in columns.values()} == {inputs.BARS}


def test_every_row_has_its_place_and_its_reach():
    """No row is measured that is not judged, and none is judged that is not measured."""
    assert [row for rows in ROWS.values() for row in rows] == list(REACH)


@pytest.mark.parametrize("module", ROWS)
def test_every_part_can_be_started(module):
    """What it takes from the system is still there under its name; a run takes minutes to find that out."""
    assert callable(import_module(f"benchmarks.market.{module}").measure)
