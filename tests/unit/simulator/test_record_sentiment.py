from __future__ import annotations

import io

import ccxt
import pytest

from simulator.record.progress import Progress
from simulator.record.refused import Unreachable
from simulator.record.sentiment import INTEREST, RATIOS, record_if_given, record_interest, record_ratios
from simulator.recordings import load
from tests.support.recorder import BTC, MINUTE, START, Client, lines, new_folder, quiet, source_of
from tests.support.simulator_parts import recorded, write_candles

FIVE = 5 * MINUTE
# Where the recording begins, less the value that stood then.
BEFORE = START - FIVE


@pytest.fixture
def folder(tmp_path):
    """A folder with nothing in it yet."""
    with new_folder(tmp_path / "market") as opened:
        yield opened


def client_of(exchange="made", **answers: list[object]):
    """A client that has both histories."""
    client = Client(**answers)
    client.id = exchange
    client.has |= {"fetchOpenInterestHistory": True, "fetchLongShortRatioHistory": True}
    return client


def interest(place, amount=2.5, **more: object):
    """One row as ccxt gives it."""
    return {
        "timestamp": START + place * FIVE,
        "openInterestAmount": amount,
        "openInterestValue": None,
        **more,
    }


def ratio(place, value=1.5, **info: str):
    """One row as ccxt gives it."""
    return {"timestamp": START + place * FIVE, "longShortRatio": value, "info": info}


def test_open_interest_goes_on_behind_what_is_kept_window_by_window(tmp_path, folder):
    """Each asked for with both its ends, since exchanges give the newest of what they are asked for."""
    client = client_of(fetch_open_interest_history=[[interest(0), interest(-1)], [interest(99)], []])
    until = START + 101 * FIVE

    record_interest(source_of(client)[0], folder, quiet(), until_ms=until)

    rows = lines(tmp_path / "market", INTEREST)
    assert rows == [[BTC, str(START + place * FIVE), "2.5"] for place in (-1, 0, 99)]
    asked = [(since, params["until"] + 1) for _, _, _, since, _, params in client.asked]
    assert asked == [(BEFORE, BEFORE + 100 * FIVE), (BEFORE + 100 * FIVE, until)]
    assert folder.manifest.interest == {BTC: until}


@pytest.mark.parametrize(
    ("exchange", "row", "amount"),
    [
        ("gate", interest(0, 3.0), "0.3"),
        ("bybit", interest(0, 3.0), "3"),
        ("okx", interest(0, 3.0, baseVolume=0.25), "0.25"),
    ],
)
def test_open_interest_is_kept_in_amounts_of_the_coin(tmp_path, folder, exchange, row, amount):
    """Whatever the exchange counts in."""
    client = client_of(exchange, fetch_open_interest_history=[[row]])
    client.markets[BTC]["contractSize"] = 0.1

    record_interest(source_of(client)[0], folder, quiet(), until_ms=START + FIVE)

    assert [row[2] for row in lines(tmp_path / "market", INTEREST)] == [amount]


def test_open_interest_that_is_told_in_money_alone_is_not_kept(folder):
    """To divide it by a price would be a number that nobody told."""
    client = client_of("okx", fetch_open_interest_history=[[interest(0, None, openInterestValue=1e6)]])

    record_interest(source_of(client)[0], folder, quiet(), until_ms=START + FIVE)

    assert INTEREST not in folder.manifest.files


def test_ratios_are_those_of_the_exchange(tmp_path, folder):
    """Bitget's own is a hundredth of what its shares say."""
    rows = [ratio(-1), ratio(0, 0.0125, longAccountRatio="0.6", shortAccountRatio="0.4")]
    client = client_of(fetch_long_short_ratio_history=[rows])

    record_ratios(source_of(client)[0], folder, quiet(), until_ms=START + FIVE)

    assert [float(row[2]) for row in lines(tmp_path / "market", RATIOS)] == [1.5, pytest.approx(1.5)]


@pytest.mark.parametrize("value", [None, 0.0, -1.0, float("nan")])
def test_what_cannot_be_is_never_written(folder, value):
    """It is asked for again, for as long as there is patience."""
    client = client_of(
        fetch_long_short_ratio_history=[[ratio(0, value)]], fetch_open_interest_history=[[interest(0, value)]]
    )
    source = source_of(client, patience_s=0)[0]

    for record in (record_interest, record_ratios):
        with pytest.raises(Unreachable, match="that cannot be"):
            record(source, folder, quiet(), until_ms=START + FIVE)
    assert folder.manifest.files == {}


def test_an_exchange_without_a_history_is_asked_for_nothing(folder):
    """Kraken and Coinbase have neither; a spot pair has none anywhere."""
    client = Client()
    source = source_of(client)[0]
    record_interest(source, folder, quiet(), until_ms=START + FIVE)
    record_ratios(source, folder, quiet(), until_ms=START + FIVE)
    client.has |= {"fetchOpenInterestHistory": True, "fetchLongShortRatioHistory": True}
    client.markets[BTC]["swap"] = False
    record_interest(source, folder, quiet(), until_ms=START + FIVE)

    assert client.asked == []
    assert folder.manifest.files == {}


def test_what_was_recorded_is_played(tmp_path):
    """As its history and as it stands now; a quarter of an hour after the last value it is made."""
    write_candles(tmp_path, {"BTC": [("10", "11", "9", "10", "1.5")] * 90})
    begin = 1_700_000_040_000
    known = range(begin, begin + 30 * MINUTE, FIVE)
    rows = "".join(f"BTC/USDT:USDT,{time},{100 + place}.5\n" for place, time in enumerate(known))
    (tmp_path / "open-interest-5m.csv").write_text(f"symbol,timestamp,amount\n{rows}")
    shares = "".join(f"BTC/USDT:USDT,{time},4\n" for time in known)
    (tmp_path / "account-ratio-5m.csv").write_text(f"symbol,timestamp,ratio\n{shares}")

    parts = recorded(tmp_path, 1_800_000_000, history_share=1 / 3)
    parts.clock.now = (begin + 30 * MINUTE + parts.market.shift_ms) // 1000
    query = {"category": "linear", "symbol": "BTCUSDT"}
    told = parts.result("open-interest", **query, intervalTime="5min", limit=5)["list"]
    ratios = parts.result("account-ratio", **query, period="5min", limit=5)["list"]
    parts.clock.move(45 * 60)
    later = parts.result("account-ratio", **query, period="5min", limit=1)["list"]

    assert {float(row["openInterest"]) for row in told} <= {100.5 + place for place in range(6)}
    assert {(row["buyRatio"], row["sellRatio"]) for row in ratios} == {("0.8000", "0.2000")}
    assert later[0]["buyRatio"] != "0.8000"


def test_a_file_that_cannot_be_used_is_refused_by_name(tmp_path):
    """Not played with a hole in it."""
    write_candles(tmp_path, {"BTC": [("10", "11", "9", "10", "1.5")] * 90})
    (tmp_path / "account-ratio-5m.csv").write_text("symbol,timestamp,ratio\nBTC/USDT:USDT,1,nan\n")

    with pytest.raises(Exception, match=r"account-ratio-5m.csv: cannot be read as symbol,timestamp,ratio"):
        load(tmp_path, now_ms=1_800_000_000_000, seed=1)


def test_what_an_exchange_refuses_is_left_out_and_costs_nothing_else(tmp_path, folder):
    """Candles, trades and books are there by then."""
    client = client_of(fetch_open_interest_history=[ccxt.NotSupported("no such call")])
    said = io.StringIO()

    record_if_given(
        record_interest, source_of(client)[0], folder, Progress(stream=said, clock=lambda: 0.0),
        until_ms=START + FIVE,
    )  # fmt: skip

    assert said.getvalue().splitlines()[-1] == "made: NotSupported no such call; left out"
    assert not (tmp_path / "market" / INTEREST).exists()


def test_a_share_of_nobody_is_asked_for_again(folder):
    """Nobody is short: that is no ratio."""
    nobody = ratio(0, longAccountRatio="1", shortAccountRatio="0")
    client = client_of(fetch_long_short_ratio_history=[[nobody], [ratio(0)], []])
    source, said, _ = source_of(client)

    record_ratios(source, folder, quiet(), until_ms=START + FIVE)

    assert "a ratio of accounts that cannot be" in said[0]
