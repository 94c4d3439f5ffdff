"""Finding instruments by category and symbol, and whether they still trade."""

from __future__ import annotations

from simulator.answers import Query, Refusal, View, category_of
from simulator.model import Instrument
from simulator.tape import Tape


class Listing:
    """The instruments of a tape by category and symbol, in the order of the market."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
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


def unknown_symbol(category: str, *, result: bytes = b"{}") -> Refusal:
    """The refusal of a symbol; spot words it differently from the contracts."""
    message = "Not supported symbols" if category == "spot" else "params error: symbol invalid"
    return Refusal(message, result=result)
