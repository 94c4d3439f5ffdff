"""What an exchange answers badly again and again is asked for more and more seldom."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cache import Key

FIRST_REST_S = 10.0
LONGEST_REST_S = 120.0
LONGEST_FOR_ALL_S = 20.0
"""Where an exchange answers badly whatever it is asked: when it is well again, everything waits for this."""
MOST_DOUBLINGS = 10  # far beyond the longest rest; after days of bad answers no float would hold the number
MOST = 10_000
MANY = 20
"""So many symbols with nothing but bad answers, and none with a good one: no other will have one."""
TRIAL_EVERY_S = 2.0
"""Of such an input one symbol is asked for, and so often, until one is answered well."""


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

    def wake(self, like: Key) -> None:
        """Let nothing of this kind of this exchange rest any longer: all of it rested for what is over."""
        exchange = like.params["exchange"]
        for key in list(self._known):
            if key.kind == like.kind and key.params["exchange"] == exchange:
                self._known[key] = (0, 0.0)

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
        self._tried_at: dict[tuple[str, str], float] = {}

    def note(self, exchange: str, source: str, symbol: str) -> None:
        """One more bad answer."""
        self._bad.setdefault((exchange, source), set()).add(symbol)

    def clear(self, exchange: str, source: str) -> bool:
        """A good answer, whatever the symbol: the exchange is well. Whether many had been answered badly."""
        return len(self._bad.pop((exchange, source), ())) >= MANY

    def symbols(self, exchange: str, source: str) -> int:
        """How many symbols have had nothing but bad answers since the last good one."""
        return len(self._bad.get((exchange, source), ()))

    def may_ask(self, exchange: str, source: str, now: float) -> bool:
        """Whether one more may be asked for; `now` in Unix seconds. Seldom where many had bad answers.

        That one is a trial: who asked for all would only get the same answer as often.
        """
        if self.symbols(exchange, source) < MANY:
            return True
        return now - self._tried_at.get((exchange, source), 0.0) >= TRIAL_EVERY_S

    def asked(self, exchange: str, source: str, now: float) -> None:
        """One more symbol is asked for."""
        self._tried_at[exchange, source] = now


SETBACKS = Setbacks()
"""Those of this process."""
DOUBTS = Doubts()
"""Likewise."""
