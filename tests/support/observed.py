"""Observations of a journal, and what came of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cache import Observation

if TYPE_CHECKING:
    from cache import Journal


def seen(level: str = "", mark: float = 0.0, *, name: str = "a", **more: Any) -> Observation:
    """An observation; its body says of what and at which mark it was made."""
    body = {"name": name, "level": level, "mark": mark} if level else None
    return Observation(name=name, level=level, body=body, mark=mark, **more)


def record(journal: Journal, *observations: Observation) -> int:
    """How many entries came of it."""
    recorded = journal.record(observations)
    assert recorded is not None, "Redis could not be asked"
    return len(recorded.added)


def bodies(journal: Journal, name: str = "a") -> list[tuple[str, float]]:
    """What was written down of a name, oldest first, as level and mark."""
    found = journal.recent(1000)
    assert found is not None, "Redis could not be asked"
    entries = [entry.body for entry in reversed(found)]
    return [(body["level"], body["mark"]) for body in entries if body["name"] == name]


def redis_now(journal: Journal) -> float:
    """Unix seconds by the clock of the journal's Redis."""
    seconds, micros = journal._far.quick.time()
    return float(seconds + micros / 1e6)
