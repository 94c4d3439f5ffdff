from __future__ import annotations

import csv
import gzip
import os
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from simulator.recording_files import RecordingsUnusable
from simulator.recordings import load
from tests.support.simulator_parts import recorded, write_candles

START_MS = 1_700_000_040_000
HOUR = 3600
ROW = ("10.5", "11.25", "10.0", "11", "7.50")


def rows(count, row=ROW):
    """The same candle so many times."""
    return [row] * count


def test_two_thirds_are_history_and_the_move_keeps_four_hour_bounds(tmp_path):
    """The shift is a multiple of 4 h and leaves at most 4 h more than two thirds behind now."""
    write_candles(tmp_path, {"BTC": rows(3 * 1440)})
    now_ms = 1_800_000_123_456

    market = load(tmp_path, now_ms=now_ms, seed=1)

    behind_h = (now_ms - market.first_index * market.base_ms) / 3_600_000
    assert market.shift_ms % (4 * HOUR * 1000) == 0
    assert 48 <= behind_h < 52


def test_the_share_of_history_can_be_chosen(tmp_path):
    """A tenth of ten days is a day, and less than 4 h more."""
    write_candles(
        tmp_path, {"BTC": rows(10 * 24)}, name="candles-1h.csv", start_ms=1_700_006_400_000, step_ms=3_600_000
    )
    now_ms = 1_800_000_123_456

    market = load(tmp_path, now_ms=now_ms, seed=1, history_share=0.1)

    assert 24 <= (now_ms - market.first_index * market.base_ms) / 3_600_000 < 28


def test_a_short_recording_moves_by_whole_candles(tmp_path):
    """Less than a day cannot keep 4 h bounds and two thirds of history."""
    write_candles(tmp_path, {"BTC": rows(30)})

    market = load(tmp_path, now_ms=1_800_000_123_456, seed=1)

    assert market.shift_ms % 60_000 == 0
    assert 1_800_000_123_456 - market.first_index * 60_000 == pytest.approx(20 * 60_000, abs=60_000)


def test_the_finest_file_is_the_source(tmp_path):
    """Of several timeframes the shortest plays; gzip or not."""
    hour_start = 1_700_006_400_000
    write_candles(tmp_path, {"BTC": rows(48)}, name="candles-1h.csv", start_ms=hour_start, step_ms=3_600_000)
    write_candles(
        tmp_path, {"BTC": rows(480)}, name="candles-5m.csv.gz", start_ms=hour_start, step_ms=300_000
    )

    market = load(tmp_path, now_ms=1_800_000_000_000, seed=1)

    assert market.base_ms == 300_000


def test_prices_and_volumes_are_kept_as_exact_counts(tmp_path):
    """Decimals that matter make the tick and the step."""
    write_candles(tmp_path, {"BTC": [("10.50", "11.25", "10.0", "11", "7.5"), *rows(20)]})

    market = load(tmp_path, now_ms=1_800_000_000_000, seed=1)
    first = market.base(0, market.first_index, market.first_index + 1)

    assert market.instruments[0].price_decimals == 2
    assert market.instruments[0].qty_decimals == 1
    assert [int(column[0]) for column in first.columns()[1:6]] == [1050, 1125, 1000, 1100, 75]


def test_a_gap_is_absent_alone_and_flat_on_the_panel(tmp_path):
    """No candle is invented for a series; the panel bridges with the last close and no volume."""
    write_candles(tmp_path, {"BTC": rows(20), "ETH": [*rows(5), None, *rows(14)]})
    market = load(tmp_path, now_ms=1_800_000_000_000, seed=1)
    first = market.first_index

    alone = market.base(1, first, first + 10)
    panel = market.panel(first, first + 10)

    assert len(alone) == 9
    assert panel.close[1, 5] == panel.open[1, 5] == panel.close[1, 4]
    assert panel.volume[1, 5] == 0
    assert panel.volume[0, 5] > 0


def test_a_series_that_begins_late_is_flat_at_its_first_open_before(tmp_path):
    """The panel has a price for every index."""
    write_candles(tmp_path, {"BTC": rows(20), "ETH": [None, None, *rows(18)]})

    market = load(tmp_path, now_ms=1_800_000_000_000, seed=1)

    assert market.panel(market.first_index, market.first_index + 1).close[1, 0] == 1050


def test_recorded_funding_rates_move_with_the_candles(tmp_path):
    """A settled rate is the one in force at that moment of the recording; none where none was recorded."""
    write_candles(tmp_path, {"BTC": rows(1500)})
    later = START_MS + 8 * HOUR * 1000
    (tmp_path / "funding-8h.csv").write_text(
        f"symbol,timestamp,rate\nBTC/USDT:USDT,{START_MS},-0.00017064\nBTC/USDT:USDT,{later},0.0002\n"
    )
    market = load(tmp_path, now_ms=1_800_000_000_000, seed=1)
    bitcoin, moved = market.instruments[0], START_MS + market.shift_ms

    assert market.funding_rate(bitcoin, moved + 1) == -0.00017064
    assert market.funding_rate(bitcoin, moved + 8 * HOUR * 1000) == 0.0002
    assert market.funding_rate(bitcoin, moved - 59_999) == -0.00017064
    assert market.funding_rate(bitcoin, moved - 60_000) is None
    assert market.funding_rate(bitcoin, moved + 16 * HOUR * 1000) is None


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("a,b\n1,2\n", "the first line must be symbol,timestamp,open,high,low,close,volume"),
        ("", "the first line must be"),
        ("symbol,timestamp,open,high,low,close,volume\n", "has no candles"),
        (
            "symbol,timestamp,open,high,low,close,volume\nBTCUSDT,0,1,1,1,1,1\n",
            "not a symbol like BTC/USDT:USDT",
        ),
        ("symbol,timestamp,open,high,low,close,volume\nBTC/USDT:USDT,0,1,1,1,1\n", "7 columns"),
        (
            "symbol,timestamp,open,high,low,close,volume\nBTC/USDT:USDT,0,1,x,1,1,1\n",
            "not a plain decimal number",
        ),
        (
            "symbol,timestamp,open,high,low,close,volume\nBTC/USDT:USDT,0,1,-1,1,1,1\n",
            "not a plain decimal number",
        ),
        (
            "symbol,timestamp,open,high,low,close,volume\nBTC/USDT:USDT,0,1,1.00000000000001,1,1,1\n",
            "12 decimals",
        ),
        ("symbol,timestamp,open,high,low,close,volume\nBTC/USDT:USDT,0,1,1,2,1,1\n", "prices that cannot be"),
        ("symbol,timestamp,open,high,low,close,volume\nBTC/USDT:USDT,0,0,1,0,1,1\n", "prices that cannot be"),
        ("symbol,timestamp,open,high,low,close,volume\nBTC/USDT:USDT,7,1,1,1,1,1\n", "do not rise in steps"),
        (
            "symbol,timestamp,open,high,low,close,volume\nBTC/USDT:USDT,60000,1,1,1,1,1\nBTC/USDT:USDT,60000,1,1,1,1,1\n",
            "do not rise in steps",
        ),
    ],
)
def test_a_bad_file_is_refused_with_one_sentence(tmp_path, content, complaint):
    """The sentence names the file and what is wrong with it."""
    (tmp_path / "candles-1m.csv").write_text(content)

    with pytest.raises(RecordingsUnusable, match=r"candles-1m\.csv") as refused:
        load(tmp_path, now_ms=1_800_000_000_000, seed=1)

    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_without_candles_is_refused(tmp_path):
    """Neither an empty folder nor one that is not there can be played."""
    with pytest.raises(RecordingsUnusable, match="no file named like"):
        load(tmp_path, now_ms=0, seed=1)
    with pytest.raises(RecordingsUnusable, match="not a folder"):
        load(tmp_path / "nowhere", now_ms=0, seed=1)


def test_broken_archives_and_funding_files_are_refused(tmp_path):
    """Bytes that are not what the name says."""
    (tmp_path / "candles-1m.csv.gz").write_bytes(b"not gzip")
    with pytest.raises(RecordingsUnusable, match="cannot be read"):
        load(tmp_path, now_ms=0, seed=1)

    (tmp_path / "candles-1m.csv.gz").unlink()
    write_candles(tmp_path, {"BTC": rows(20)})
    (tmp_path / "funding-8h.csv.gz").write_bytes(gzip.compress(b"symbol,time\nBTC/USDT:USDT,x\n"))
    with pytest.raises(RecordingsUnusable, match="symbol,timestamp,rate"):
        load(tmp_path, now_ms=1_800_000_000_000, seed=1)


def test_real_recordings_play_back_exactly():
    """Every finished one-minute candle of the recording comes back as the recorded decimal strings."""
    root = os.environ.get("RECORDINGS_DIR")
    if not root:
        pytest.skip("RECORDINGS_DIR is not set")
    folder = Path(root) / "recordings" / "binance-usdm-2025-05"
    wanted = defaultdict(list)
    with gzip.open(folder / "candles-1m.csv.gz", "rt") as lines:
        for row in csv.DictReader(lines):
            wanted[row["symbol"]].append(row)
    parts = recorded(folder, 1_800_000_123.0)
    newest = wanted["ENA/USDT:USDT"][:1000]
    end = int(newest[-1]["timestamp"]) + parts.market.shift_ms

    answer = parts.result("kline", category="linear", symbol="ENAUSDT", interval="1", limit=1000, end=end)

    assert len(answer["list"]) == 1000
    for ours, recorded_row in zip(reversed(answer["list"]), newest, strict=True):
        assert int(ours[0]) - parts.market.shift_ms == int(recorded_row["timestamp"])
        fields = ("open", "high", "low", "close", "volume")
        assert [Decimal(text) for text in ours[1:6]] == [Decimal(recorded_row[name]) for name in fields]


def test_published_beta_of_the_real_recording_is_found():
    """ETH's beta over the whole recording is the one its description names."""
    root = os.environ.get("RECORDINGS_DIR")
    if not root:
        pytest.skip("RECORDINGS_DIR is not set")
    market = load(Path(root) / "recordings" / "binance-usdm-2025-05", now_ms=1_800_000_000_000, seed=1)
    place = {one.symbol: one.series for one in market.instruments}
    panel = market.panel(market.first_index, market.stop_index)

    bitcoin, ether = (np.diff(np.log(panel.close[place[name]])) for name in ("BTCUSDT", "ETHUSDT"))

    assert np.cov(ether, bitcoin)[0, 1] / bitcoin.var(ddof=1) == pytest.approx(1.322, abs=0.001)
