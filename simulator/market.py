"""Where prices come from: the contract that recordings and the synthetic market both keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.model import Candles, Instrument, Panel
    from simulator.moments import RecordedBook, RecordedTicker
    from simulator.trades import Trades


class Market(Protocol):
    """Complete base candles of every series, past and future; the tape decides how much is known by now.

    A base candle is named by its index: open time in ms // base_ms. Indices without a candle (before the
    history, after the end, a gap of a recording) are not in the answer of `base`; `panel` must be asked for
    indices inside [first_index, stop_index) and fills gaps with the last close and no volume. Nothing raises.
    """

    source: str
    seed: int
    base_ms: int
    shift_ms: int
    first_index: int
    stop_index: int | None
    instruments: tuple[Instrument, ...]

    @property
    def betas(self) -> Mapping[str, float]:
        """Beta to BTC by linear symbol where it is known."""
        ...

    def base(self, series: int, first: int, stop: int) -> Candles:
        """The base candles of one series with first <= index < stop."""
        ...

    def panel(self, first: int, stop: int) -> Panel:
        """The base candles of all series with first <= index < stop."""
        ...

    def funding_rate(self, instrument: Instrument, at_ms: int) -> float | None:
        """The recorded 8 h funding rate that was settled at a time, or None where none is recorded."""
        ...

    def open_interest(self, instrument: Instrument, at_ms: int) -> float | None:
        """The recorded open interest at a time, in amounts of the coin, or None where none is recorded."""
        ...

    def account_ratio(self, instrument: Instrument, at_ms: int) -> float | None:
        """The recorded number of long accounts for each short one at a time, or None likewise."""
        ...

    def trades_before(self, instrument: Instrument, second: int, count: int) -> Trades | None:
        """The newest recorded trades before a second, at most `count`; None where none are recorded."""
        ...

    def book_at(self, instrument: Instrument, second: int) -> RecordedBook | None:
        """The recorded order book that stood at a second; None where none is recorded."""
        ...

    def ticker_at(self, instrument: Instrument, second: int) -> RecordedTicker | None:
        """The recorded ticker that stood at a second; None where none is recorded."""
        ...
