"""How long to wait before a process that died is started again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_S = 1.0
LONGEST_S = 30.0
STEADY_AFTER_S = 60.0
_JITTER = 0.2


class Backoff:
    """Doubles the pause with each early death, and forgets them after a minute of steady running.

    `chance` returns numbers between 0 and 1; up to a fifth is added, so that processes which died
    together do not come back together.
    """

    def __init__(self, *, chance: Callable[[], float], first_s: float = FIRST_S) -> None:
        self._chance = chance
        self._first_s = first_s
        self._deaths = 0

    def delay_s(self, ran_for_s: float) -> float:
        """Return the pause after a death, given how long the process had run."""
        if ran_for_s >= STEADY_AFTER_S:
            self._deaths = 0
        pause_s = self._first_s * 2.0**self._deaths
        # Grows no further than the cap, so that a thousand deaths do not overflow.
        self._deaths = min(self._deaths + 1, 16)
        return min(LONGEST_S, pause_s * (1 + _JITTER * self._chance()))
