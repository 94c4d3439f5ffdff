"""What the rows of one run share: how long it may take, and what is closed at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contextlib import ExitStack

    from benchmarks.cache.rounds import Effort


@dataclass(frozen=True, slots=True)
class Ground:
    """The effort of a run, the stack of one module of rows, and what is found beside the rows."""

    effort: Effort
    stack: ExitStack
    found: dict[str, Any] = field(default_factory=dict)
