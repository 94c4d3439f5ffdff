"""What a row measured, and when its reach counts as reached. Pure: figures in, verdict out."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from benchmarks.result import Ratio, Result, median, rounded, spread

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Measured:
    """The rounds of one row: our main figure, the peers', and our further figures, by name.

    Peers in `at_least` did not end: their figure is the bound at which they were given up.
    """

    id: str
    what: str
    unit: str
    ours: list[float]
    peers: dict[str, list[float]] = field(default_factory=dict)
    further: dict[str, list[float]] = field(default_factory=dict)
    at_least: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def rounds(self, figure: str) -> list[float]:
        """Our rounds of a further figure, or of the main one when `figure` is empty."""
        return self.further[figure] if figure else self.ours

    def ratios(self, peer: str) -> list[float]:
        """How many times as long the peer took, round by round where both have the same rounds."""
        theirs = self.peers[peer]
        if len(theirs) == len(self.ours):
            pairs = list(zip(self.ours, theirs, strict=True))
        else:
            pairs = [(statistics.median(self.ours), statistics.median(theirs))]
        return [peer_took / took for took, peer_took in pairs if took > 0]


class Rule(Protocol):
    """One condition of a reach. `text` says it as the table does."""

    @property
    def text(self) -> str:
        """The condition in words."""

    def holds(self, measured: Measured) -> bool:
        """Whether the figures satisfy it; False when what it needs was not measured."""


@dataclass(frozen=True, slots=True)
class AtMost:
    """The median of a figure (the main one unless named) stays within a limit."""

    limit: float
    unit: str = ""
    figure: str = ""
    # A guarantee must hold in every round, not in the middle one.
    always: bool = False

    @property
    def text(self) -> str:
        """The condition in words."""
        return f"<= {self.limit:g} {self.unit}".rstrip() + (f" {self.figure}" if self.figure else "")

    def holds(self, measured: Measured) -> bool:
        """Whether the figure is within the limit."""
        if self.figure and self.figure not in measured.further:
            return False
        pick: Callable[[list[float]], float] = max if self.always else statistics.median
        return pick(measured.rounds(self.figure)) <= self.limit


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The median of a figure (the main one unless named) is no less than a limit."""

    limit: float
    unit: str = ""
    figure: str = ""

    @property
    def text(self) -> str:
        """The condition in words."""
        return f">= {self.limit:g} {self.unit}".rstrip() + (f" {self.figure}" if self.figure else "")

    def holds(self, measured: Measured) -> bool:
        """Whether the figure reaches the limit."""
        if self.figure and self.figure not in measured.further:
            return False
        return statistics.median(measured.rounds(self.figure)) >= self.limit


@dataclass(frozen=True, slots=True)
class Exactly:
    """A count that must be the same in every round."""

    count: float
    unit: str = ""
    figure: str = ""

    @property
    def text(self) -> str:
        """The condition in words."""
        return " ".join(part for part in (f"{self.count:g}", self.unit or self.figure) if part)

    def holds(self, measured: Measured) -> bool:
        """Whether every round counted so many."""
        if self.figure and self.figure not in measured.further:
            return False
        return set(measured.rounds(self.figure)) == {self.count}


@dataclass(frozen=True, slots=True)
class WithinTimes:
    """We take at most so many times as long as a peer, by the median of the rounds' ratios."""

    times: float
    peer: str

    @property
    def text(self) -> str:
        """The condition in words."""
        return f"<= {self.times:g}x {self.peer}"

    def holds(self, measured: Measured) -> bool:
        """Whether the peer was measured and we are near enough."""
        if self.peer not in measured.peers:
            return False
        return statistics.median(measured.ratios(self.peer)) >= 1 / self.times


@dataclass(frozen=True, slots=True)
class TimesFaster:
    """A peer takes at least so many times as long as we do, by the median of the rounds' ratios."""

    times: float
    peer: str

    @property
    def text(self) -> str:
        """The condition in words."""
        return f">= {self.times:g}x {self.peer}"

    def holds(self, measured: Measured) -> bool:
        """Whether the peer was measured and we are so much faster."""
        if self.peer not in measured.peers:
            return False
        return statistics.median(measured.ratios(self.peer)) >= self.times


def reach_of(rules: tuple[Rule, ...]) -> str:
    """All conditions in words."""
    return ", ".join(rule.text for rule in rules)


def judged(measured: Measured, rules: tuple[Rule, ...]) -> Result:
    """The row as printed: reached when every rule holds, with those named that do not."""
    missed = tuple(rule.text for rule in rules if not rule.holds(measured))
    return Result(
        id=measured.id,
        what=measured.what,
        ours=median(measured.ours),
        unit=measured.unit,
        spread=spread(measured.ours),
        reach=reach_of(rules),
        reached=not missed if rules else None,
        peers={name: median(rounds) for name, rounds in measured.peers.items()},
        ratios={name: _ratio(found) for name in measured.peers if (found := measured.ratios(name))},
        further={name: median(rounds) for name, rounds in measured.further.items()},
        at_least=measured.at_least,
        missed=missed,
        notes=measured.notes,
    )


def _ratio(ratios: list[float]) -> Ratio:
    return Ratio(rounded(statistics.median(ratios)), rounded(min(ratios)), rounded(max(ratios)))
