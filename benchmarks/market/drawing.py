"""The pictures of growth: time, lateness and processors by symbols; bytes and memory by symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.growth.svg import Panel, Series, chart

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.market.case import Case

USUAL_SCORERS = 2
MB = 1e6
X = "symbols, over two exchanges"
# The same process has the same colour in every panel; what is not named here is drawn together.
PROCESSES = {"scorer": 0, "fetcher": 1, "redis": 2}
OTHERS = 3


def speed(cases: Sequence[Case]) -> str:
    """Time to the first complete dashboard, how late scores are, and processors."""
    return chart(
        (
            Panel("Start to complete dashboard", X, "s", _by_scorers(cases, lambda case: case.complete_s)),
            Panel("Age of books and trades, p95", X, "s", _by_scorers(cases, _late)),
            Panel("Processors", X, "cores", _by_process(cases, lambda case: case.cpu)),
        ),
        "Time to the first complete dashboard, the age of what scores are made of, and processor use, "
        "by the number of symbols.",
    )


def memory(cases: Sequence[Case]) -> str:
    """Bytes in each tier, and the memory of the processes."""
    tiers = ("Redis", "Memcached", "L1 of fetcher", "L1 of scorer")
    by_tier = tuple(
        Series(tier, points, number)
        for number, tier in enumerate(tiers)
        if (points := _points(_usual(cases), lambda case, tier=tier: _bytes(case, tier) / MB))
    )
    return chart(
        (
            Panel("Bytes in each tier", X, "MB", by_tier),
            Panel("Memory of the processes (PSS)", X, "MB", _by_process(cases, lambda case: case.pss_mb)),
            Panel("Memory of all", X, "MB", _by_scorers(cases, lambda case: sum(case.pss_mb.values()))),
        ),
        "Bytes in Redis, Memcached and the memory tiers, and the memory of the processes, "
        "by the number of symbols.",
    )


PICTURES: dict[str, Callable[[Sequence[Case]], str]] = {
    "market-growth.svg": speed,
    "market-memory.svg": memory,
}


def _late(case: Case) -> float:
    return case.lateness.inputs_p95_s


def _bytes(case: Case, tier: str) -> float:
    return (case.tier_bytes | case.l1_bytes).get(tier, 0.0)


def _usual(cases: Sequence[Case]) -> list[Case]:
    return [case for case in cases if case.scorers == USUAL_SCORERS]


def _by_scorers(cases: Sequence[Case], figure: Callable[[Case], float | None]) -> tuple[Series, ...]:
    """A line for each number of scorers."""
    numbers = sorted({case.scorers for case in cases})
    return tuple(
        Series(f"{number} scorer{'s' if number > 1 else ''}", points, at)
        for at, number in enumerate(numbers)
        if (points := _points([case for case in cases if case.scorers == number], figure))
    )


def _by_process(cases: Sequence[Case], figures: Callable[[Case], dict[str, float]]) -> tuple[Series, ...]:
    """A line for each of the large processes, and one for the others together."""

    def others(case: Case) -> float:
        return sum(figure for name, figure in figures(case).items() if name not in PROCESSES)

    lines = [
        Series(name, points, colour)
        for name, colour in PROCESSES.items()
        if (points := _points(_usual(cases), lambda case, name=name: figures(case).get(name)))
    ]
    return (*lines, Series("others", _points(_usual(cases), others), OTHERS))


def _points(cases: Sequence[Case], figure: Callable[[Case], float | None]) -> tuple[tuple[float, float], ...]:
    """By symbols; what is nought, or did not come about, has no place on these axes."""
    found = ((float(case.symbols), figure(case)) for case in sorted(cases, key=lambda case: case.symbols))
    return tuple((symbols, value) for symbols, value in found if value)
