"""The catalogue of log events is complete, and nothing in it is invented."""

from __future__ import annotations

import re
from pathlib import Path

from cache.stats import NUMBERS

ROOT = Path(__file__).parents[3]
PACKAGES = ("cache", "market", "tasks", "webapp", "simulator", "ops")
LOGGED = re.compile(r"\blog(?:ger)?\.(?:debug|info|warning|error|exception|critical)\(\s*\"(\w+)\"")
LISTED = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)


def test_every_log_event_in_the_code_is_catalogued_and_the_other_way_round() -> None:
    """An operator finds each event in docs/signals.md, and each listed event in the code."""
    sources = [file.read_text(encoding="utf-8") for name in PACKAGES for file in (ROOT / name).rglob("*.py")]
    logged = {event for source in sources for event in LOGGED.findall(source)}

    signals = (ROOT / "docs" / "signals.md").read_text(encoding="utf-8")
    listed = set(LISTED.findall(signals.partition("## Counters")[0]))

    assert logged, "the pattern finds no log events at all"
    assert logged - listed == set(), "not in docs/signals.md"
    assert listed - logged == set(), "in docs/signals.md only"


def test_every_counter_is_explained() -> None:
    """What `stats()` counts has a line in the table, and no line is without its counter."""
    signals = (ROOT / "docs" / "signals.md").read_text(encoding="utf-8")
    table = signals.partition("| counter | counts |")[2].partition("\n\n")[0]

    explained = {name for line in table.splitlines() for name in re.findall(r"`(\w+)`", line)}

    assert set(NUMBERS) - explained == set(), "not in docs/signals.md"
    assert explained - set(NUMBERS) - {"derive", "get_or_compute"} == set(), "in docs/signals.md only"
