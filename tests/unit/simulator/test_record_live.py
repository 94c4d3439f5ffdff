from __future__ import annotations

import json

import pytest

from simulator.record.live import BOOKS, TICKERS, TRADES, Rounds
from simulator.record.refused import Unreachable
from tests.support.recorder import BTC, START, Client, new_folder, quiet, source_of, text


@pytest.fixture
def folder(tmp_path):
    """A folder with nothing in it yet."""
    with new_folder(tmp_path / "market") as opened:
        yield opened


def trade(time_ms, number, *, side="buy"):
    """One row as ccxt gives it."""
    return {"timestamp": time_ms, "id": str(number), "price": 100.5, "amount": 0.25, "side": side}


def live(folder, *batches: object):
    """Run a round for each batch of trades."""
    book = {"timestamp": START, "bids": [[100.0, 1.0]], "asks": [[101.0, 2.0]]}
    ticker = {BTC: {"symbol": BTC, "timestamp": START, "last": 100.5, "bid": None}}
    client = Client(
        fetch_trades=list(batches),
        fetch_order_book=[book] * len(batches),
        fetch_tickers=[ticker] * len(batches),
    )
    rounds = Rounds(source_of(client)[0], folder, quiet(), every_s=1.0)
    for _ in batches:
        rounds.once()


def test_each_trade_is_kept_once_however_often_it_is_shown(tmp_path, folder):
    """Also two at the same moment of which only one had been there before."""
    first = [trade(START, 1), trade(START + 5, 2)]
    second = [trade(START, 1), trade(START + 5, 2), trade(START + 5, 3), trade(START + 9, 4)]

    live(folder, first, second, second)

    numbers = [line.rpartition(",")[2] for line in text(tmp_path / "market", TRADES).splitlines()[1:]]
    assert numbers == ["1", "2", "3", "4"]
    assert len(folder.manifest.trades[BTC].spans) == 1


def test_a_trade_that_nobody_took_is_left_out_and_stops_nothing(tmp_path, folder):
    """An auction's has no side; those around it are kept."""
    live(folder, [trade(START, 1), trade(START + 1, 2, side=None), trade(START + 2, 3)])

    numbers = [line.rpartition(",")[2] for line in text(tmp_path / "market", TRADES).splitlines()[1:]]
    assert numbers == ["1", "3"]


def test_trades_that_were_missed_between_two_rounds_leave_a_gap_that_is_known(folder):
    """What is played never bridges it."""
    live(folder, [trade(START, 1), trade(START + 5, 2)], [trade(START + 50, 9), trade(START + 60, 10)])

    spans = folder.manifest.trades[BTC].spans
    assert [begin for begin, _ in spans] == [START, START + 50]


def test_books_and_tickers_hold_what_the_exchange_told_and_nothing_else(tmp_path, folder):
    """A bid that it left out is left out."""
    live(folder, [])

    assert json.loads(text(tmp_path / "market", BOOKS)) == {
        "symbol": BTC, "timestamp": START, "bids": [["100", "1"]], "asks": [["101", "2"]],
    }  # fmt: skip
    assert json.loads(text(tmp_path / "market", TICKERS)) == {
        "symbol": BTC,
        "timestamp": START,
        "last": "100.5",
    }


def test_amounts_in_contracts_become_amounts_of_the_coin(tmp_path, folder):
    """Exactly, without a binary fraction."""
    client = Client(
        fetch_trades=[[{**trade(START, 1), "amount": 3.0}]],
        fetch_order_book=[{"timestamp": None, "bids": [[100.0, 7.0]], "asks": [[101.0, 2.0]]}],
        fetch_tickers=[{}],
    )
    client.markets[BTC]["contractSize"] = 0.1

    Rounds(source_of(client)[0], folder, quiet(), every_s=1.0).once()

    assert text(tmp_path / "market", TRADES).splitlines()[1].split(",")[4] == "0.3"
    assert json.loads(text(tmp_path / "market", BOOKS))["bids"] == [["100", "0.7"]]


@pytest.mark.parametrize(
    "book",
    [
        {"timestamp": 1, "bids": [], "asks": [[1.0, 1.0]]},
        {"timestamp": 1, "bids": [[2.0, 1.0]], "asks": [[1.0, 1.0]]},
        {"timestamp": 1, "bids": [[None, 1.0]], "asks": [[1.0, 1.0]]},
    ],
)
def test_a_book_that_cannot_be_ends_the_recording_when_patience_does(folder, book):
    """And nothing of the round counts."""
    client = Client(fetch_trades=[[trade(START, 1)]], fetch_order_book=[book], fetch_tickers=[{}])

    with pytest.raises(Unreachable, match="an order book"):
        Rounds(source_of(client, patience_s=0)[0], folder, quiet(), every_s=1.0).once()

    assert folder.manifest.files == {}
