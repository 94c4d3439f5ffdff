"""What each row is to reach, as the design's table of figures has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.cache.rules import AtMost, Exactly, TimesFaster, WithinTimes

if TYPE_CHECKING:
    from benchmarks.cache.rules import Rule

_BROKEN: tuple[Rule, ...] = (AtMost(60, "ms", always=True), AtMost(1, "ms", "p99 of the calls after it"))

REACH: dict[str, tuple[Rule, ...]] = {
    "B1": (
        AtMost(250, "ns"),
        TimesFaster(1.9, "dogpile.memory"),
        TimesFaster(10, "cashews memory"),
        TimesFaster(10, "cashews client-side"),
        TimesFaster(10, "Flask-Caching"),
        TimesFaster(10, "aiocache memory"),
    ),
    "B3": (WithinTimes(1.15, "pymemcache"),),
    "B4": (WithinTimes(1.15, "redis-py"),),
    "B5": (TimesFaster(1.5, "pymemcache"), TimesFaster(3, "dogpile.pymemcache")),
    "B6": (
        Exactly(1, figure="L2 reads"),
        Exactly(1, figure="L3 reads"),
        Exactly(1, figure="promotion writes"),
        Exactly(3, "round trips in all"),
    ),
    "B7": (AtMost(2.5, "ms"),),
    "B8": (
        AtMost(2, "ms to return"),
        AtMost(5, "ms", "until four processes see it"),
        AtMost(2, "ms", "chain of four, to return"),
        AtMost(5, "ms", "chain of four, until four processes see it"),
    ),
    "B9": (AtMost(0.3, "ms p50"), AtMost(2, "ms", "p99")),
    "B10": (
        Exactly(1, "computation"),
        AtMost(30, "ms", "beyond the computation"),
        AtMost(600, "", "Redis commands"),
    ),
    "B11": (AtMost(1, "s", always=True),),
    "B12": _BROKEN,
    "B13": _BROKEN,
    "B14": _BROKEN,
    "B15": (AtMost(2, "s", always=True), Exactly(0, figure="old values")),
    "B16": (Exactly(0, "stale sets"),),
    "B17": (AtMost(2.0, "s", always=True),),
    "B18": (AtMost(1, "s", always=True),),
    "B22": (AtMost(10, "us"),),
}
