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
TRIAL_EVERY_S = 1.5
"""Of such an input one symbol is asked for, at most so often, until one is answered well: once in a round."""


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
        # Longer than the longest: the clock was set back.
        return 0.0 < self._known.get(key, (0, 0.0))[1] - now <= LONGEST_REST_S


class Doubts:
    """Which symbols an input of an exchange was answered badly for since its last good answer.

    One symbol with bad answers has trouble of its own; several, and none that is answered well, are the
    exchange's. Each process knows its own.
    """

    def __init__(self) -> None:
        self._bad: dict[tuple[str, str], set[str]] = {}
        self._tried_at: dict[tuple[str, str], float] = {}
        self._over_at: dict[tuple[str, str], float] = {}

    def note(self, exchange: str, source: str, symbol: str) -> None:
        """One more bad answer."""
        self._bad.setdefault((exchange, source), set()).add(symbol)

    def clear(self, exchange: str, source: str, now: float) -> bool:
        """A good answer, whatever the symbol: the exchange is well. Whether that ends bad answers for many.

        Told once within the longest rest: else many symbols that are never answered well would have none.
        """
        if len(self._bad.pop((exchange, source), ())) < MANY:
            return False
        is_news = not _within(LONGEST_REST_S, self._over_at.get((exchange, source)), now)
        if is_news:
            self._over_at[exchange, source] = now
        return is_news

    def symbols(self, exchange: str, source: str) -> int:
        """How many symbols have had nothing but bad answers since the last good one."""
        return len(self._bad.get((exchange, source), ()))

    def are_many(self, exchange: str, source: str) -> bool:
        """Whether who asked for all would only get the same bad answer as often."""
        return self.symbols(exchange, source) >= MANY

    def may_try(self, exchange: str, source: str, now: float) -> bool:
        """Whether it is time to try one symbol of such an input; `now` in Unix seconds."""
        return not _within(TRIAL_EVERY_S, self._tried_at.get((exchange, source)), now)

    def tried(self, exchange: str, source: str, now: float) -> None:
        """One is being tried."""
        self._tried_at[exchange, source] = now


def _within(seconds: float, before: float | None, now: float) -> bool:
    """Whether it is less than so long ago; a clock that was set back makes nothing wait."""
    return before is not None and 0 <= now - before < seconds


SETBACKS = Setbacks()
"""Those of this process."""
DOUBTS = Doubts()
"""Likewise."""
