"""Contenders in turns: blocks of equal length, another one first in every round, answers checked."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence


REPEATS = 20
QUICK_S = 1.0


class Disturbed(Exception):
    """A block that says nothing: the machine was so busy that a tier was given up meanwhile."""


@dataclass(frozen=True, slots=True)
class Contender:
    """Who takes part: `timed(n)` makes n passes, checks what the last one read, returns seconds."""

    name: str
    timed: Callable[[int], float]


@dataclass(frozen=True, slots=True)
class Effort:
    """How long a run may be: the rounds of each row, and seconds for one block of one contender."""

    quick: bool
    rounds: int
    block_s: float
    # When a peer that may hang is given up.
    patience_s: float

    @classmethod
    def of(cls, *, quick: bool) -> Effort:
        """Thin or full."""
        return cls(True, 5, 0.02, 1.0) if quick else cls(False, 9, 0.15, 10.0)

    def turns(self, within_s: float) -> Iterator[int]:
        """The numbers of the rounds; a quick run makes one, and more only while these seconds last."""
        began = time.monotonic()
        for number in range(self.rounds):
            if self.quick and number and time.monotonic() - began > within_s:
                return
            yield number


def contender(name: str, one_pass: Callable[[], Any], check: Callable[[Any], bool]) -> Contender:
    """Take part with a function; what it returns is checked after each block."""

    def timed(passes: int) -> float:
        got = None
        began = time.perf_counter()
        for _ in range(passes):
            got = one_pass()
        took = time.perf_counter() - began
        assert check(got), f"{name} answered {str(got)[:500]}"
        return took

    return Contender(name, timed)


def async_contender(
    name: str,
    run: Callable[[Coroutine[Any, Any, Any]], Any],
    one_pass: Callable[[], Coroutine[Any, Any, Any]],
    check: Callable[[Any], bool],
) -> Contender:
    """Take part with a coroutine function; entering the loop is not timed."""

    async def block(passes: int) -> tuple[float, Any]:
        got = None
        began = time.perf_counter()
        for _ in range(passes):
            got = await one_pass()
        return time.perf_counter() - began, got

    def timed(passes: int) -> float:
        took, got = run(block(passes))
        assert check(got), f"{name} answered {str(got)[:500]}"
        return float(took)

    return Contender(name, timed)


def interleaved(
    contenders: Sequence[Contender], effort: Effort, *, per_pass: int, unit_s: float
) -> dict[str, list[float]]:
    """The time of one operation in units of `unit_s` seconds, by contender, one figure a round."""
    passes = {one.name: _passes(one, effort.block_s) for one in contenders}
    found: dict[str, list[float]] = {one.name: [] for one in contenders}
    for number in effort.turns(QUICK_S):
        first = number % len(contenders)
        for one in (*contenders[first:], *contenders[:first]):
            gc.collect()
            count = passes[one.name]
            found[one.name].append(undisturbed(one, count) / count / per_pass / unit_s)
    return found


def undisturbed(one: Contender, passes: int) -> float:
    """The time of one block, made again when it was disturbed."""
    for _ in range(REPEATS):
        try:
            return one.timed(passes)
        except Disturbed:
            time.sleep(0.2)
    raise Disturbed(f"{one.name}: {REPEATS} blocks in a row")


def _passes(one: Contender, block_s: float) -> int:
    """How many passes fill a block, found by trying, which warms up as well."""
    undisturbed(one, 1)
    count = 1
    while (took := undisturbed(one, count)) < block_s / 4:
        count *= 4
    return max(1, round(count * block_s / took))
