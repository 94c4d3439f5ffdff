"""Finding instruments by category and symbol, and whether they still trade."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.answers import Query, Refusal, View, category_of
from simulator.sentiment import FUNDING_MS, funding_rate, open_interest

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.model import Instrument
    from simulator.tape import Tape

_STANDING_MS = 300_000


class Listing:
    """The instruments of a tape by category and symbol, in the order of the market."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self._written: dict[str, tuple[int, bytes]] = {}
        self._standing: dict[int, tuple[int, tuple[int, float, int]]] = {}
        self._by_symbol: dict[str, dict[str, Instrument]] = {
            "spot": {},
            "linear": {},
            "inverse": {},
            "option": {},
        }
        for instrument in tape.market.instruments:
            self._by_symbol[instrument.category][instrument.symbol] = instrument

    def of(self, category: str) -> tuple[Instrument, ...]:
        """All instruments of a category, none for inverse and option."""
        return tuple(self._by_symbol[category].values())

    def find(self, category: str, symbol: str) -> Instrument | None:
        """The instrument of that name, or None."""
        return self._by_symbol[category].get(symbol)

    def wanted(self, query: Query, view: View) -> Instrument:
        """The instrument that a query names; refuses an unknown or delisted one as Bybit does."""
        category = category_of(query)
        symbol = query.get("symbol", "")
        found = self.find(category, symbol)
        if found is None or symbol in view.delisted:
            raise unknown_symbol(category)
        return found

    def trades(self, instrument: Instrument, view: View) -> bool:
        """Whether the instrument trades now: not delisted, and the source goes on."""
        return instrument.symbol not in view.delisted and not self.tape.ended(view.second)

    def standing(self, instrument: Instrument, view: View) -> tuple[int, float, int]:
        """Open interest in steps, the coming funding rate and when it settles; new every five minutes."""
        step = view.second * 1000 // _STANDING_MS
        kept_step, kept = self._standing.get(instrument.key, (0, (0, 0.0, 0)))
        if kept_step == step:
            return kept
        now_ms = step * _STANDING_MS
        settles_ms = (now_ms // FUNDING_MS + 1) * FUNDING_MS
        interest = int(open_interest(self.tape.market, instrument, np.array([now_ms]))[0])
        kept = (interest, funding_rate(self.tape.market, instrument, settles_ms), settles_ms)
        self._standing[instrument.key] = (step, kept)
        return kept

    def once_a_second(self, name: str, second: int, write: Callable[[], bytes]) -> bytes:
        """What `write` gave for this second, calling it only the first time."""
        written_second, written = self._written.get(name, (-1, b""))
        if written_second != second:
            written = write()
            self._written[name] = (second, written)
        return written


def unknown_symbol(category: str, *, result: bytes = b"{}") -> Refusal:
    """The refusal of a symbol; spot words it differently from the contracts."""
    message = "Not supported symbols" if category == "spot" else "params error: symbol invalid"
    return Refusal(message, result=result)
