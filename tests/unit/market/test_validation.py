from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from market.errors import BadAnswer
from market.validation import candle_rows, contract_unit, order_book, ticker

if TYPE_CHECKING:
    import numpy as np

T = 1_700_000_040_000  # a whole minute
GOOD = [T, 10.0, 12.0, 9.0, 11.0, 5.0]


def changed(**fields: object) -> list[object]:
    """A good candle with some fields changed."""
    names = ("time", "open", "high", "low", "close", "volume")
    return [fields.get(name, value) for name, value in zip(names, GOOD, strict=True)]


def rows(*raw: object) -> np.ndarray:
    """The rows as validated."""
    return candle_rows(list(raw), "1m", exchange="x", symbol="S")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (changed(high=10.5), "high below"),
        (changed(low=10.5), "low above"),
        (changed(low=0.0), "not positive"),
        (changed(low=-1.0), "not positive"),
        (changed(volume=-1.0), "negative volume"),
        (changed(time=T + 1), "off the timeframe"),
        (changed(close=None), "missing numbers"),
        (changed(close=math.nan), "missing numbers"),
        (changed(high=math.inf), "missing numbers"),
        (changed(time=None), "missing numbers"),
        (changed(close=10**400), "another shape"),
        (GOOD[:4], "missing numbers"),
        ("HTML", "another shape"),
        (None, "another shape"),
        (["a", "b", "c", "d", "e", "f"], "another shape"),
    ],
)
def test_a_candle_that_cannot_be_true_spoils_the_answer(row, reason):
    """Half an answer is not believed: the other rows came from the same confusion."""
    with pytest.raises(BadAnswer, match=reason):
        rows(row)
    with pytest.raises(BadAnswer):
        rows(row, changed(time=T + 60_000))


def test_no_candles_are_no_answer():
    """An empty list where candles must be is what ccxt makes of nonsense."""
    with pytest.raises(BadAnswer, match="no candles"):
        rows()


def test_time_must_not_go_backwards():
    """An answer out of order was put together wrongly."""
    with pytest.raises(BadAnswer, match="backwards"):
        rows(changed(time=T + 60_000), GOOD)


def test_of_two_rows_for_one_time_the_later_counts():
    """A correction within one answer."""
    both = rows(GOOD, changed(close=11.5), changed(time=T + 60_000))

    assert both[:, 4].tolist() == [11.5, 11.0]


def test_further_columns_are_ignored():
    """Some exchanges append the number of trades or the turnover."""
    assert rows([*GOOD, 77]).shape == (1, 6)


def book(bids: object, asks: object, **more: object):
    """The book as validated."""
    return order_book(
        {"bids": bids, "asks": asks}, **{"exchange": "x", "symbol": "S", "depth": 2, "unit": 1.0, **more}
    )


@pytest.mark.parametrize(
    ("bids", "asks", "reason"),
    [
        ([], [[2, 1]], "empty"),
        ([[1, 1]], None, "empty"),
        ([[2, 1]], [[2, 1]], "bid not below ask"),
        ([[3, 1]], [[2, 1]], "bid not below ask"),
        ([[1, 1], [1, 2]], [[2, 1]], "do not fall"),
        ([[1, 1]], [[3, 1], [2, 1]], "do not rise"),
        ([[1, 0]], [[2, 1]], "amount that is not positive"),
        ([[1, 1], [-1, 1]], [[2, 1]], "price that is not positive"),
        ([[None, 1]], [[2, 1]], "missing numbers"),
        ([[1]], [[2, 1]], "missing numbers"),
        ([1], [[2, 1]], "another shape"),
        ([[1, 10**400]], [[2, 1]], "another shape"),
    ],
)
def test_a_book_that_cannot_be_true_is_refused(bids, asks, reason):
    """Sides must be there, sorted, positive and apart."""
    with pytest.raises(BadAnswer, match=reason):
        book(bids, asks)


def test_a_book_keeps_the_best_levels_in_base_units():
    """Amounts of a derivative come in contracts; further columns are ignored."""
    kept = book([[1.5, 2, 9], [1.4, 3, 9], [1.3, 4, 9]], [[1.6, 5, 9]], unit=0.01)

    assert kept.bids.tolist() == [[1.5, 0.02], [1.4, 0.03]]
    assert kept.asks.tolist() == [[1.6, 0.05]]


@pytest.mark.parametrize(
    ("market", "unit"),
    [
        ({}, 1.0),
        ({"contract": True, "contractSize": 0.1}, 0.1),
        ({"contract": True}, 1.0),
        ({"contractSize": 5}, 1.0),
    ],
)
def test_only_contracts_have_a_contract_size(market, unit):
    """Spot amounts are base units already."""
    assert contract_unit(market) == unit


def parsed(unit: float = 1.0, **fields: object):
    """A good ticker with some fields changed, as validated."""
    raw = {"last": 100.0, "open": 90.0, "high": 110.0, "low": 80.0, "bid": 99.0, "ask": 101.0, **fields}
    return ticker(raw, exchange="x", symbol="S", unit=unit, now=5000.0)


@pytest.mark.parametrize(
    "fields",
    [
        {"last": None},
        {"last": 0.0},
        {"last": -1.0},
        {"last": math.nan},
        {"last": "100"},
        {"last": True},
        {"last": 10**400},
        {"bid": 102.0},
        {"bid": 101.0},
        {"high": 70.0, "low": 80.0, "last": 75.0},
        {"last": 300.0},
        {"last": 30.0},
    ],
)
def test_a_ticker_that_cannot_be_true_is_none(fields):
    """No last price, crossed quotes, or a price in another world than its own day."""
    assert parsed(**fields) is None


@pytest.mark.parametrize("opened", [300.0, 30.0, 1e-320])
def test_an_open_in_another_world_than_its_day_is_not_known(opened):
    """As one from before a redenomination: the price stands, the change does not."""
    row = parsed(open=opened)

    assert (row.last, row.open_24h, row.change_24h) == (100.0, None, None)


def test_what_a_ticker_leaves_out_is_none():
    """Zero and nonsense are no prices; nothing is made up for them."""
    row = parsed(open=0, bid=None, ask=math.inf, high=None)

    assert (row.open_24h, row.bid, row.ask, row.high_24h, row.low_24h) == (None, None, None, None, 80.0)
    assert row.change_24h is None


@pytest.mark.parametrize(
    ("fields", "turnover"),
    [
        ({"quoteVolume": 7.0, "baseVolume": 1.0}, 7.0),
        ({"baseVolume": 3.0}, 150.0),
        ({"quoteVolume": 0.0}, 0.0),
        ({}, None),
    ],
)
def test_turnover_is_in_quote_units(fields, turnover):
    """The exchange's own figure, else volume times price, else none."""
    assert parsed(unit=0.5, **fields).turnover_24h == turnover


@pytest.mark.parametrize(("timestamp", "as_of"), [(None, 5000.0), (4_990_000, 4990.0), (6_000_000, 5000.0)])
def test_a_ticker_is_never_of_the_future(timestamp, as_of):
    """Its own time where it has one, at most the exchange's now."""
    assert parsed(timestamp=timestamp).as_of == as_of
