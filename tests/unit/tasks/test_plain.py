"""Claims about domain values on their way into the cache."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from market.inputs import Funding
from market.model import Instrument, Ticker
from tasks import plain

NOW = 1000.0


def ticker(symbol: str, last: float, as_of: float = NOW) -> Ticker:
    """A ticker with a price, an open of half of it, and nothing else."""
    return Ticker("okx", symbol, last, last / 2, None, None, None, None, None, as_of)


def rate(symbol: str, as_of: float) -> Funding:
    """A funding rate that was true at `as_of`."""
    return Funding("okx", symbol, 0.0001, 8.0, None, as_of)


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


def test_the_universe_names_its_symbols_in_order_its_timeframes_and_its_inputs() -> None:
    """What the exchange does not have is left out of every plan."""
    value = plain.universe([Instrument("okx", "B", "B", "USDT", "swap", 2.0)], ["1m"], ["candles", "trades"])

    assert plain.symbols_of(value) == ["B"]
    assert plain.timeframes_of(value, ["1m", "4h"]) == ["1m"]
    assert plain.timeframes_of(None, ["1m", "4h"]) == ["1m", "4h"]
    assert plain.inputs_of(value) == ("candles", "trades")


@pytest.mark.parametrize("value", [None, {"instruments": [], "timeframes": []}])
def test_while_it_is_not_known_what_an_exchange_has_it_is_asked_for_what_all_have(
    value: dict[str, Any] | None,
) -> None:
    """A universe that an older version wrote says nothing of inputs, either."""
    assert plain.inputs_of(value) == ("candles", "order_book")


def test_a_rate_that_the_answer_left_out_is_kept_for_a_while() -> None:
    """One row that is missing once is not the end of it; an old one is no rate in force."""
    before = plain.funding({"A": rate("A", NOW - 10), "B": rate("B", NOW - 400)}, ["A", "B"], None, NOW)

    after = plain.funding({"C": rate("C", NOW)}, ["A", "B", "C"], before, NOW - 300)

    assert set(after["funding"]) == {"A", "C"}


def test_a_rate_of_a_symbol_that_is_no_longer_tracked_is_not_kept() -> None:
    """Else the entry would grow for ever."""
    before = plain.funding({"A": rate("A", NOW)}, ["A"], None, NOW)

    assert plain.funding({}, ["B"], before, 0)["funding"] == {}


def test_the_breadth_counts_those_above_their_open_of_those_that_have_one() -> None:
    """A symbol without an open says nothing; one at its open is not above it."""
    tickers = plain.tickers(
        {
            "A": ticker("A", 1.0),
            "B": replace(ticker("B", 1.0), open_24h=1.0),
            "C": replace(ticker("C", 1.0), open_24h=None),
            "D": replace(ticker("D", 1.0), open_24h=2.0),
        },
        list("ABCD"),
        None,
        NOW,
    )

    assert plain.breadth("okx", tickers, NOW, since=NOW - 60) == {"above": 1, "symbols": 3, "as_of": NOW}


def test_the_breadth_leaves_out_prices_that_nobody_confirmed_for_long() -> None:
    """A row that was kept from an earlier answer says where the price was, not where it is."""
    before = plain.tickers({"A": ticker("A", 1.0), "B": ticker("B", 1.0)}, ["A", "B"], None, NOW)
    later = plain.tickers({"A": replace(ticker("A", 1.0), as_of=NOW + 61)}, ["A", "B"], before, NOW + 61)

    assert plain.breadth("okx", later, NOW + 61, since=NOW + 1)["symbols"] == 1
