"""What every benchmark returns, and how it is printed."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field

Spread = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as long a peer takes: the median over the rounds, the smallest and the largest."""

    median: float
    smallest: float
    largest: float


@dataclass(frozen=True, slots=True)
class Result:
    """One line: our median with its spread over the rounds, the peers', and what was to be reached.

    `further` has the row's other figures, `at_least` names the peers that did not end within their
    bound, `missed` says which rules of the reach do not hold. `ours` is None when measuring failed.
    """

    id: str
    what: str
    ours: float | None
    unit: str
    spread: Spread
    reach: str
    reached: bool | None
    peers: dict[str, float] = field(default_factory=dict)
    ratios: dict[str, Ratio] = field(default_factory=dict)
    further: dict[str, float] = field(default_factory=dict)
    at_least: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


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
    return Result(id, what, median(rounds), unit, spread(rounds), reach, reached, peers or {})


def median(rounds: list[float]) -> float:
    """The middle one, to four significant digits."""
    return rounded(statistics.median(rounds))


def spread(rounds: list[float]) -> Spread:
    """The smallest and the largest."""
    return rounded(min(rounds)), rounded(max(rounds))


def rounded(figure: float) -> float:
    """Four significant digits; more would be noise."""
    return float(f"{figure:.4g}")


def as_json(results: list[Result]) -> str:
    """A list of objects, for programs."""
    return json.dumps([asdict(one) for one in results], indent=2)


def from_json(text: str) -> list[Result]:
    """The same list back."""
    return [_result(one) for one in json.loads(text)]


def _result(fields: dict[str, object]) -> Result:
    plain = Result(**fields)  # type: ignore[arg-type] # what as_json wrote
    return Result(
        **{
            **fields,  # type: ignore[arg-type] # the same
            "spread": tuple(plain.spread),
            "ratios": {name: Ratio(**one) for name, one in fields.get("ratios", {}).items()},  # type: ignore[attr-defined]
            **{name: tuple(getattr(plain, name)) for name in ("at_least", "missed", "notes")},
        }
    )
