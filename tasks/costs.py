"""What each input of an exchange takes of its rate: measured as it is fetched; ccxt knows it per request."""

from __future__ import annotations

NEWEST_COUNTS = 0.2
UNKNOWN = 1.0


class Costs:
    """Units of the rate that one symbol's input takes, a running mean per exchange and source.

    It follows what is really asked: a series that is loaded whole takes several pages, one that is
    kept up to date takes one.
    """

    def __init__(self) -> None:
        self._means: dict[tuple[str, str], float] = {}

    def note(self, exchange: str, source: str, cost: float) -> None:
        """One input of one symbol took so much; nothing when nothing had to be asked."""
        if cost > 0:
            mean = self._means.get((exchange, source), cost)
            self._means[exchange, source] = mean + NEWEST_COUNTS * (cost - mean)

    def of(self, exchange: str, source: str) -> float:
        """What the next one is likely to take; 1 while nobody knows."""
        return self._means.get((exchange, source), UNKNOWN)


COSTS = Costs()
"""Those of this process."""
