"""What each row is to reach, as the design has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.cache.rules import AtLeast, AtMost, Exactly, WithinTimes

if TYPE_CHECKING:
    from benchmarks.cache.rules import Rule

REACH: dict[str, tuple[Rule, ...]] = {
    "M1": (AtMost(150, "ms"), WithinTimes(2, "TA-Lib, bare")),
    "M2": (),
    "M3": (AtLeast(95, "%"), Exactly(0, figure="refused")),
    "M4": (AtMost(1, "s", "p95"),),
    "M5": (AtMost(1, "s", "p95"),),
    # What growth costs is told, not judged; that nothing is refused meanwhile is.
    "M6": (Exactly(0, figure="refused"),),
    "M7": (),
    "M8": (),
    "M9": (),
}
