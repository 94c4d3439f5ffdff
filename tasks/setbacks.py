"""What an exchange answers badly again and again is asked for more and more seldom."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cache import Key

FIRST_REST_S = 10.0
LONGEST_REST_S = 900.0
LONGEST_FOR_ALL_S = 20.0
"""Where an exchange answers badly whatever it is asked: when it is well again, everything waits for this."""
MOST_DOUBLINGS = 10  # far beyond the longest rest; after days of bad answers no float would hold the number
MOST = 10_000


class Setbacks:
    """Keys whose last answers were bad, with how often in a row and until when they rest (Unix seconds).

    Each process knows its own: what another one met is at worst asked for once more by each.
    """

    def __init__(self) -> None:
        self._known: dict[Key, tuple[int, float]] = {}

    def note(self, key: Key, now: float, *, longest_s: float = LONGEST_REST_S) -> None:
        """One more bad answer: rest twice as long as the last time, `longest_s` seconds at most."""
        count = self._known.get(key, (0, 0.0))[0]
        rest_s = min(FIRST_REST_S * 2 ** min(count, MOST_DOUBLINGS), longest_s)
        self._known[key] = (count + 1, now + rest_s)
        while len(self._known) > MOST:
            self._known.pop(next(iter(self._known)), None)

    def forget(self, key: Key) -> bool:
        """A good answer, or a key that is not asked for any more; whether there was a bad one before."""
        return self._known.pop(key, None) is not None

    def clear(self) -> None:
        """Forget all."""
        self._known.clear()

    def is_resting(self, key: Key, now: float) -> bool:
        """Whether it is too early to ask for it again."""
        return self._known.get(key, (0, 0.0))[1] > now


class Doubts:
    """Which symbols an input of an exchange was answered badly for since its last good answer.

    One symbol with bad answers has trouble of its own; several, and none that is answered well, are the
    exchange's. Each process knows its own.
    """

    def __init__(self) -> None:
        self._bad: dict[tuple[str, str], set[str]] = {}

    def note(self, exchange: str, source: str, symbol: str) -> None:
        """One more bad answer."""
        self._bad.setdefault((exchange, source), set()).add(symbol)

    def clear(self, exchange: str, source: str) -> None:
        """A good answer, whatever the symbol: the exchange is well."""
        self._bad.pop((exchange, source), None)

    def symbols(self, exchange: str, source: str) -> int:
        """How many symbols have had nothing but bad answers since the last good one."""
        return len(self._bad.get((exchange, source), ()))


SETBACKS = Setbacks()
"""Those of this process."""
DOUBTS = Doubts()
"""Likewise."""
