import gzip
import io

import numpy as np
import pytest

from market.candle_files import FileUnusable, read

HEADER = "symbol,timestamp,open,high,low,close,volume"
FIRST = 1_741_937_100_000


def line(bar, *, symbol="BTC/USDT:USDT", prices="100,102,99,101", volume="5", step_ms=300_000):
    """One line of five-minute candles."""
    return f"{symbol},{FIRST + bar * step_ms},{prices},{volume}"


def recording(*lines: str, header=HEADER):
    """What a file with these lines holds."""
    return read(io.BytesIO("\n".join((header, *lines)).encode()), "made.csv")


def test_a_file_is_read_by_symbol_and_its_timeframe_is_seen():
    """The usual distance of two candles names the timeframe; each symbol has its own rows."""
    found = recording(line(0), line(1), line(0, symbol="ETH/USDT:USDT"), line(2))

    assert found.timeframe == "5m"
    assert {symbol: len(rows) for symbol, rows in found.rows.items()} == {
        "BTC/USDT:USDT": 3,
        "ETH/USDT:USDT": 1,
    }
    assert found.rows["BTC/USDT:USDT"][1].tolist() == [FIRST + 300_000, 100, 102, 99, 101, 5]


def test_a_gzipped_file_and_one_from_a_spreadsheet_are_read_alike():
    """Compression is seen by the first bytes; a byte order mark, empty lines and spare columns do no harm."""
    plain = "\ufeff" + "\r\n".join((f"{HEADER},note", f"{line(0)},x", "", f"{line(1)},y", ""))

    zipped = read(io.BytesIO(gzip.compress(plain.encode(), mtime=0)), "made.csv.gz")

    assert zipped.rows["BTC/USDT:USDT"].shape == (2, 6)


def test_without_a_symbol_column_the_file_is_one_series():
    """It is named after the file, and columns are found by their names."""
    found = recording(
        f"101,{FIRST},100,102,99,5", f"101,{FIRST + 60_000},100,102,99,5",
        header="close,timestamp,open,high,low,volume",
    )  # fmt: skip

    assert list(found.rows) == ["made.csv"]
    assert found.rows["made.csv"][0].tolist() == [FIRST, 100, 102, 99, 101, 5]
    assert found.timeframe == "1m"


def test_only_candles_that_were_closed_at_a_time_are_given():
    """A gap within them is filled with the last close and marked."""
    found = recording(line(0), line(1), line(4), line(5))
    closes_at = found.closes_at("BTC/USDT:USDT")

    whole = found.candles("BTC/USDT:USDT", until=closes_at, bars=10)
    one_less = found.candles("BTC/USDT:USDT", until=closes_at - 0.001, bars=10)

    assert closes_at == (FIRST + 6 * 300_000) / 1000
    assert (len(whole), len(one_less)) == (6, 5)
    assert np.flatnonzero(whole.filled).tolist() == [2, 3]
    assert len(found.candles("BTC/USDT:USDT", until=closes_at, bars=2)) == 2


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ((line(0), "BTC/USDT:USDT,1741937400000,1,2"), "line 3: has 4 fields, the first line names 7"),
        ((line(0), line(1, volume="1,234.5")), "line 3: has 8 fields, the first line names 7; write numbers"),
        ((line(0), line(1, volume="1_234")), "line 3: volume is '1_234'; want a number"),
        ((line(0), line(1, prices="100,102,99,abc")), "line 3: close is 'abc'; want a number"),
        ((line(0), line(1, prices="100,102,99,nan")), "line 3: close is 'nan'; want a number"),
        ((line(0), line(1, volume="")), "line 3: volume is ''; want a number"),
        ((line(0), line(1, volume="-1")), "line 3: volume is -1; want 0 or more"),
        ((line(0), line(1, prices="100,102,0,101")), "line 3: low is 0; prices are above 0"),
        ((line(0), line(1, prices="100,100.5,99,101")), "line 3: open 100, high 100.5, low 99, close 101"),
        ((line(0), line(1), line(1)), "line 4: has the same time as line 3; keep one of the two"),
        ((line(1), line(0)), "line 3: is earlier than line 2; sort the lines of a symbol by time"),
        ((line(0, symbol=""),), "line 2: names no symbol; write one, or leave the column out"),
        (("BTC,1741937100,1,1,1,1,1",), "line 2: timestamp is 1741937100; want the open time in ms UTC: m"),
        (("BTC,1741937100000000,1,1,1,1,1",), "timestamp is 1.7419371e+15; want the open time in ms UTC: d"),
        ((line(0), line(1), line(2), line(2.5)), "line 5: opens at 2025-03-14 07:37:30, where no 5m candle"),
        ((line(0), line(1, step_ms=7000)), "made.csv: candles 7 s apart; want one of 1m, 3m"),
        ((line(0), line(0, symbol="ETH")), "one candle of a symbol does not say how long it is; want two"),
        ((), "made.csv: no candles; want a line for each below the first"),
        (('BTC,"174',), "line 2: has 2 fields"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_its_line_and_the_remedy(lines, complaint):
    """Nothing is guessed, nothing is left out silently."""
    with pytest.raises(FileUnusable) as refused:
        recording(*lines)

    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (b"", "line 1: no timestamp, open, high, low, close, volume; want symbol,timestamp"),
        (f"{HEADER},Volume".encode(), "line 1: volume twice; keep one column of that name"),
        (b"time,price\n1,2\n", "line 1: no timestamp, open, high, low, close, volume"),
        (b"\x89PNG\r\n\x1a\n", "byte 0 is not UTF-8; want a CSV file or one gzipped"),
        (gzip.compress(HEADER.encode(), mtime=0)[:-4], "the gzip stream is cut or damaged"),
        (b"\x1f\x8b not gzip at all", "the gzip stream is cut or damaged"),
        (HEADER.encode() + b"\nBTC," + b"9" * 200_000, "line 2: field larger than field limit"),
    ],
)  # fmt: skip
def test_a_file_of_another_kind_is_refused(raw, complaint):
    """Pictures, other tables and half a download are named for what they are."""
    with pytest.raises(FileUnusable, match="made") as refused:
        read(io.BytesIO(raw), "made.csv")

    assert complaint in str(refused.value)
