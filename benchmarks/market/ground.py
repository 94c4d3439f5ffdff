"""What the rows of one run share: how long it may take, and what is closed at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import ExitStack

    from benchmarks.cache.rounds import Effort
    from benchmarks.market.case import Case


@dataclass(frozen=True, slots=True)
class Ground:
    """The effort of a run, the stack of one module of rows, and the sizes that were measured."""

    effort: Effort
    stack: ExitStack
    cases: list[Case] = field(default_factory=list)
