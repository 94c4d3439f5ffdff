"""What an exchange answers badly again and again is asked for more and more seldom."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cache import Key

FIRST_REST_S = 10.0
LONGEST_REST_S = 900.0
MOST_DOUBLINGS = 10  # far beyond the longest rest; after days of bad answers no float would hold the number
MOST = 10_000


class Setbacks:
    """Keys whose last answers were bad, with how often in a row and until when they rest (Unix seconds).

    Each process knows its own: what another one met is at worst asked for once more by each.
    """

    def __init__(self) -> None:
        self._known: dict[Key, tuple[int, float]] = {}

    def note(self, key: Key, now: float) -> None:
        """One more bad answer: rest twice as long as the last time."""
        count = self._known.get(key, (0, 0.0))[0]
        rest_s = min(FIRST_REST_S * 2 ** min(count, MOST_DOUBLINGS), LONGEST_REST_S)
        self._known[key] = (count + 1, now + rest_s)
        while len(self._known) > MOST:
            self._known.pop(next(iter(self._known)), None)

    def forget(self, key: Key) -> None:
        """A good answer, or a key that is not asked for any more."""
        self._known.pop(key, None)

    def clear(self) -> None:
        """Forget all."""
        self._known.clear()

    def is_resting(self, key: Key, now: float) -> bool:
        """Whether it is too early to ask for it again."""
        return self._known.get(key, (0, 0.0))[1] > now


SETBACKS = Setbacks()
"""Those of this process."""
