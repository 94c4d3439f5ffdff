from __future__ import annotations

import gzip
import json

import pytest

from simulator.recording_files import RecordingsUnusable
from simulator.recordings import load
from tests.support.simulator_parts import recorded, write_candles

START_MS = 1_700_000_040_000
NOW = 1_800_000_000.0
ROW = ("10.5", "11.25", "10.0", "11", "7.50")
COLUMNS = "symbol,timestamp,side,price,amount,id"


def write_trades(folder, rows, *, heading=COLUMNS):
    """Write (ms after the start, side, price, amount) as trades of BTC."""
    lines = [
        f"BTC/USDT:USDT,{START_MS + at},{side},{price},{amount},{place}"
        for place, (at, side, price, amount) in enumerate(rows)
    ]
    (folder / "trades.csv").write_text("\n".join([heading, *lines]) + "\n")


def write_lines(folder, name, rows):
    """Write values of BTC, each with the ms after the start, as lines of JSON."""
    lines = [json.dumps({"symbol": "BTC/USDT:USDT", "timestamp": START_MS + at, **rest}) for at, rest in rows]
    (folder / name).write_bytes(gzip.compress("\n".join(lines).encode()))


@pytest.fixture
def folder(tmp_path):
    """An hour of candles."""
    write_candles(tmp_path, {"BTC": [ROW] * 60})
    return tmp_path


def at(folder, after_s):
    """The exchange that plays the folder, so many seconds after the recording's start."""
    parts = recorded(folder, NOW)
    parts.clock.now = (START_MS + parts.market.shift_ms) // 1000 + after_s
    return parts


def trades(parts, **query: object):
    """What recent-trade shows of BTC."""
    return parts.result("recent-trade", category="linear", symbol="BTCUSDT", **query)["list"]


def test_recorded_trades_are_shown_newest_first_up_to_the_moment(folder):
    """What is still to come is not shown; prices and amounts are the recorded ones, exactly."""
    write_trades(
        folder, [(0, "buy", "10.125", "0.001"), (9_000, "sell", "10.5", "2"), (50_000, "buy", "11", "3")]
    )

    shown = trades(at(folder, 10))

    assert [(row["price"], row["size"], row["side"]) for row in shown] == [
        ("10.500", "2", "Sell"),
        ("10.125", "0.001", "Buy"),
    ]
    assert len(trades(at(folder, 50), limit=2)) == 2


def test_trades_at_one_moment_have_numbers_of_their_own(folder):
    """A client tells by them what it knows already; they stay when more is shown."""
    write_trades(folder, [(1_000, "buy", "10", "1")] * 3 + [(90_000, "buy", "10", "1")])

    early, late = (trades(at(folder, after)) for after in (5, 90))

    assert len({row["execId"] for row in early}) == 3
    assert {row["execId"] for row in early} <= {row["execId"] for row in trades(at(folder, 89))}
    assert len(late) == 3


@pytest.mark.parametrize("after_s", [1, 3000])
def test_before_and_after_what_was_recorded_trades_are_made_from_the_candles(folder, after_s):
    """Nothing is stretched: a minute of trades says nothing about the next hour."""
    made = trades(at(folder, after_s))
    write_trades(folder, [(60_000, "buy", "10", "1"), (120_000, "buy", "10", "1")])

    assert made
    assert trades(at(folder, after_s)) == made
    assert trades(at(folder, 100)) != made


def test_a_hole_in_what_was_recorded_is_not_bridged(folder):
    """The recorder knows where the exchange no longer gave what happened in between."""
    rows = [(place * 1_000, "buy", "10", "1") for place in (1, 2, 3, 101, 102, 103)]
    write_trades(folder, rows)
    spans = [[START_MS + 1_000, START_MS + 4_000], [START_MS + 101_000, START_MS + 110_000]]
    manifest = {
        "wanted": {"exchange": "x", "symbols": ["BTC/USDT:USDT"], "hours": 1, "live_s": 1}, "from_ms": 0,
        "to_ms": 0, "candles": {}, "funding": {}, "trades": {"BTC/USDT:USDT": {"spans": spans}},
        "files": {},
    }  # fmt: skip
    (folder / "recording.json").write_text(json.dumps(manifest))

    assert len(trades(at(folder, 4))) == 3
    assert len(trades(at(folder, 104))) == 3
    assert len(trades(at(folder, 50))) > 6


def test_a_recorded_book_stands_until_the_next_and_no_longer_than_a_minute(folder):
    """Its levels as they were written, cut to the depth that is asked for."""
    book = {"bids": [["10.5", "1"], ["10.4", "2"]], "asks": [["10.6", "0.125"], ["10.7", "4"]]}
    later = {"bids": [["10.9", "1"]], "asks": [["11", "1"]]}
    write_lines(folder, "books.jsonl.gz", [(30_500, later), (5_000, book)])

    def shown(after_s, limit=50):
        parts = at(folder, after_s)
        return parts.result("orderbook", category="linear", symbol="BTCUSDT", limit=limit), parts

    first, parts = shown(29)
    assert (first["b"], first["a"]) == (book["bids"], book["asks"])
    assert first["cts"] == START_MS + 5_000 + parts.market.shift_ms
    assert shown(5, limit=1)[0]["a"] == [["10.6", "0.125"]]
    assert shown(31)[0]["b"] == later["bids"]
    assert len(shown(4)[0]["b"]) == len(shown(91)[0]["b"]) == 50


def test_a_recorded_ticker_gives_what_it_holds_and_leaves_the_rest(folder):
    """An exchange that told no volume has the volume of its candles."""
    write_lines(folder, "tickers.jsonl.gz", [(5_000, {"last": "10.77", "bid": "10.76", "ask": "10.78"})])
    plain = at(folder, 4).result("tickers", category="linear", symbol="BTCUSDT")["list"][0]

    shown = at(folder, 6).result("tickers", category="linear", symbol="BTCUSDT")["list"][0]

    assert (shown["lastPrice"], shown["bid1Price"], shown["ask1Price"]) == ("10.77", "10.76", "10.78")
    assert shown["prevPrice24h"] == plain["prevPrice24h"]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("trades.csv", "a,b\n", "the first line must be symbol,timestamp,side,price,amount,id"),
        ("trades.csv", f"{COLUMNS}\nBTC/USDT:USDT,1,bought,1,1,1\n", "is not a trade"),
        ("trades.csv", f"{COLUMNS}\nBTCUSDT,1,buy,1,1,1\n", "not a symbol like"),
        ("trades.csv", f"{COLUMNS}\nBTC/USDT:USDT,1,buy,1e5,1,1\n", "not a plain decimal number"),
        ("books.jsonl", '{"symbol": "BTC/USDT:USDT", "timestamp": 1, "bids": []}\n', "asks"),
        ("tickers.jsonl", "{\n", "cannot be read"),
        ("recording.json", "[]", "cannot be read"),
    ],
)
def test_files_that_cannot_be_used_are_named(folder, name, content, complaint):
    """One sentence with the file and what is wrong."""
    (folder / name).write_text(content)

    with pytest.raises(RecordingsUnusable, match=complaint):
        load(folder, now_ms=int(NOW * 1000), seed=1)


def test_of_a_recording_that_was_not_finished_the_part_that_counts_is_played(tmp_path):
    """Half a page at the end does not spoil what is before it."""
    path = write_candles(tmp_path, {"BTC": [ROW] * 60}, name="candles-1m.csv.gz")
    manifest = {
        "wanted": {"exchange": "x", "symbols": ["BTC/USDT:USDT"], "hours": 1, "live_s": 1}, "from_ms": 0,
        "to_ms": 0, "candles": {}, "funding": {}, "trades": {}, "files": {path.name: path.stat().st_size},
    }  # fmt: skip
    (tmp_path / "recording.json").write_text(json.dumps(manifest))
    with path.open("ab") as file:
        file.write(b"half a page")

    assert len(load(tmp_path, now_ms=int(NOW * 1000), seed=1).base(0, 0, 1 << 40)) == 60


def test_a_spot_pair_is_played_as_a_perpetual_is_and_a_coin_only_once(tmp_path):
    """The files say which; the exchange lists both of either."""
    lines = "symbol,timestamp,open,high,low,close,volume\n" + "".join(
        f"BTC/USDT,{START_MS + place * 60_000},1,2,1,2,1\n" for place in range(9)
    )
    (tmp_path / "candles-1m.csv").write_text(lines)
    assert [one.symbol for one in load(tmp_path, now_ms=int(NOW * 1000), seed=1).instruments] == [
        "BTCUSDT"
    ] * 2

    (tmp_path / "candles-1m.csv").write_text(lines + f"BTC/USDT:USDT,{START_MS},1,2,1,2,1\n")
    with pytest.raises(RecordingsUnusable, match="has a coin twice"):
        load(tmp_path, now_ms=int(NOW * 1000), seed=1)
