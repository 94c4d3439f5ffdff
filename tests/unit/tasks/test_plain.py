"""Claims about domain values on their way into the cache."""

from __future__ import annotations

from market.model import Instrument, Ticker
from tasks import plain

NOW = 1000.0


def ticker(symbol: str, last: float, as_of: float = NOW) -> Ticker:
    """A ticker with a price, an open of half of it, and nothing else."""
    return Ticker("okx", symbol, last, last / 2, None, None, None, None, None, as_of)


def test_a_symbol_that_the_answer_left_out_keeps_its_last_good_row() -> None:
    """With the time at which that row was confirmed, so that it can be marked when it grows old."""
    before = plain.tickers({"A": ticker("A", 1.0), "B": ticker("B", 2.0)}, ["A", "B"], None, NOW)

    after = plain.tickers({"A": ticker("A", 1.5, NOW + 5)}, ["A", "B"], before, NOW + 5)

    assert after["tickers"]["A"]["last"] == 1.5
    assert after["tickers"]["B"] == before["tickers"]["B"]
    assert after["tickers"]["B"]["confirmed_at"] == NOW


def test_a_symbol_that_is_no_longer_tracked_is_not_kept() -> None:
    """Else the entry would grow for ever."""
    before = plain.tickers({"A": ticker("A", 1.0)}, ["A"], None, NOW)

    after = plain.tickers({"B": ticker("B", 2.0)}, ["B"], before, NOW)

    assert set(after["tickers"]) == {"B"}


def test_an_answer_that_repeats_what_was_long_ago_confirms_nothing() -> None:
    """The exchange answers now, and says a price of ten minutes ago."""
    rows = plain.tickers({"A": ticker("A", 1.0, NOW - 600)}, ["A"], None, NOW)["tickers"]

    assert rows["A"]["confirmed_at"] == NOW - 600


def test_the_change_is_computed_from_open_and_last() -> None:
    """In percent; what ccxt calls percentage is not used."""
    rows = plain.tickers({"A": ticker("A", 1.0)}, ["A"], None, NOW)["tickers"]

    assert rows["A"]["change_24h"] == 100.0


def test_the_universe_names_its_symbols_in_order_and_its_timeframes() -> None:
    """What the exchange has no candles of is left out of every plan."""
    value = plain.universe([Instrument("okx", "B", "B", "USDT", "swap", 2.0)], ["1m"])

    assert plain.symbols_of(value) == ["B"]
    assert plain.timeframes_of(value, ["1m", "4h"]) == ["1m"]
    assert plain.timeframes_of(None, ["1m", "4h"]) == ["1m", "4h"]
