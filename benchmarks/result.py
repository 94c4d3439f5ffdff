"""What every benchmark returns, and how it is printed."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class Result:
    """One line: our median with its spread over the rounds, the peers', and what was to be reached."""

    id: str
    what: str
    ours: float
    unit: str
    spread: tuple[float, float]
    reach: str
    reached: bool | None
    peers: dict[str, float] = field(default_factory=dict)


def of_rounds(
    id: str,  # noqa: A002 - the column's name
    what: str,
    rounds: list[float],
    unit: str,
    *,
    reach: str = "",
    reached: bool | None = None,
    peers: dict[str, float] | None = None,
) -> Result:
    """The result of several rounds: the median, and the smallest and largest round as spread."""
    spread = (round(min(rounds), 4), round(max(rounds), 4))
    return Result(id, what, round(statistics.median(rounds), 4), unit, spread, reach, reached, peers or {})


def as_table(results: list[Result]) -> str:
    """A table for people."""
    lines = [f"{'id':6} {'what':44} {'ours':>12} {'spread':>22}  {'peers':34} reach"]
    for one in results:
        peers = ", ".join(f"{name} {value:g}" for name, value in one.peers.items())
        mark = {True: "reached", False: "NOT reached", None: "-"}[one.reached]
        spread = f"{one.spread[0]:g} .. {one.spread[1]:g}"
        ours = f"{one.ours:>9g} {one.unit:3}"
        lines.append(f"{one.id:6} {one.what:44} {ours} {spread:>21}  {peers:34} {one.reach} {mark}")
    return "\n".join(lines)


def as_json(results: list[Result]) -> str:
    """The same for programs."""
    return json.dumps([asdict(one) for one in results], indent=2)
