from __future__ import annotations

import pytest

from simulator.record.history import last_closed_ms, record_candles, record_funding
from tests.support.recorder import BTC, MINUTE, START, Client, candle, new_folder, quiet, source_of, text


@pytest.fixture
def folder(tmp_path):
    """A folder with nothing in it yet."""
    with new_folder(tmp_path / "market") as opened:
        yield opened


def test_candles_go_on_behind_the_last_that_is_kept_and_stop_before_what_still_runs(tmp_path, folder):
    """A page may repeat what was there and bring what is not closed; neither is written."""
    client = Client(fetch_ohlcv=[[candle(0), candle(1)], [candle(1), candle(2), candle(3), candle(4)]])

    record_candles(source_of(client)[0], folder, quiet(), until_ms=START + 4 * MINUTE)

    times = [line.split(",")[1] for line in text(tmp_path / "market", "candles-1m.csv.gz").splitlines()[1:]]
    assert times == [str(START + minute * MINUTE) for minute in range(4)]
    assert [asked[3] for asked in client.asked] == [START, START + 2 * MINUTE]


@pytest.mark.parametrize(("exchange", "volume"), [("made", "3"), ("gate", "0.3")])
def test_volume_in_contracts_becomes_volume_of_the_coin(tmp_path, folder, exchange, volume):
    """On those exchanges whose candles are counted so."""
    client = Client(fetch_ohlcv=[[candle(0, volume=3.0)]])
    client.id = exchange
    client.markets[BTC]["contractSize"] = 0.1

    record_candles(source_of(client)[0], folder, quiet(), until_ms=START + MINUTE)

    assert text(tmp_path / "market", "candles-1m.csv.gz").splitlines()[1].rpartition(",")[2] == volume


def test_a_stretch_without_candles_is_passed_over_and_an_end_without_them_is_left_open(folder):
    """A pause of the market is no reason to stop; candles that are not there yet come with the next run."""
    client = Client(fetch_ohlcv=[[], [candle(130)], []])

    record_candles(source_of(client)[0], folder, quiet(), until_ms=START + 140 * MINUTE)

    assert [asked[3] for asked in client.asked] == [START + minute * MINUTE for minute in (0, 100, 131)]
    assert folder.manifest.candles[BTC] == START + 131 * MINUTE


@pytest.mark.parametrize(
    "row",
    [
        [START, 10.0, 12.0, 9.0, None, 1.0],
        [START, 10.0, 9.5, 9.0, 9.2, 1.0],
        [START + 1, 10.0, 12.0, 9.0, 11.0, 1.0],
        [START, 10.0, 12.0, 9.0, 11.0, -1.0],
        [START, float("nan"), 12.0, 9.0, 11.0, 1.0],
    ],
)
def test_a_candle_that_cannot_be_is_asked_for_again(tmp_path, folder, row):
    """It is never written."""
    client = Client(fetch_ohlcv=[[row], [candle(0)]])
    source, said, _ = source_of(client)

    record_candles(source, folder, quiet(), until_ms=START + MINUTE)

    assert text(tmp_path / "market", "candles-1m.csv.gz").splitlines()[1:] == [
        f"{BTC},{START},10,12,9,11,1.5"
    ]
    assert "a candle that cannot be" in said[0]


def test_rates_of_four_hours_are_written_as_rates_of_eight(tmp_path, folder):
    """The file is of 8 h."""
    hours = 3_600_000
    rows = [{"timestamp": START + place * 4 * hours, "fundingRate": 0.0001} for place in range(3)]
    client = Client(fetch_funding_rate_history=[rows, []])

    record_funding(source_of(client)[0], folder, quiet(), until_ms=START + 12 * hours)

    lines = text(tmp_path / "market", "funding-8h.csv.gz").splitlines()[1:]
    assert lines == [f"{BTC},{START + place * 4 * hours},0.0002" for place in range(3)]
    assert folder.manifest.funding[BTC] == START + 12 * hours


def test_a_rate_that_comes_alone_in_its_page_is_for_as_long_as_those_before_it(tmp_path, folder):
    """The page is asked for from one interval earlier; what was kept already is not kept twice."""
    hours = 3_600_000
    rows = [{"timestamp": START + place * 4 * hours, "fundingRate": 0.0001} for place in range(4)]
    client = Client(fetch_funding_rate_history=[rows[:3], rows[1:], []])

    record_funding(source_of(client)[0], folder, quiet(), until_ms=START + 16 * hours)

    lines = text(tmp_path / "market", "funding-8h.csv.gz").splitlines()[1:]
    assert lines == [f"{BTC},{START + place * 4 * hours},0.0002" for place in range(4)]


def test_a_rate_without_another_is_left_out(tmp_path, folder):
    """Nobody says for how many hours it is."""
    client = Client(fetch_funding_rate_history=[[{"timestamp": START, "fundingRate": 0.0001}], []])

    record_funding(source_of(client)[0], folder, quiet(), until_ms=START + 3_600_000)

    assert not (tmp_path / "market" / "funding-8h.csv.gz").exists()


def test_a_candle_counts_some_seconds_after_its_close():
    """An exchange needs a moment to finish it."""
    assert last_closed_ms(START + 2_999) == START - MINUTE
    assert last_closed_ms(START + 3_000) == START
