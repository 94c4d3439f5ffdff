from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from simulator.record.command import main
from tests.support.recorder import COINS, MINUTE, SYMBOLS, lines, wish
from tests.support.simulator import ROOT, running_simulator
from tests.support.simulator_parts import recorded, synthetic
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

SEED = 11


@pytest.fixture(scope="module")
def exchange():
    """The exchange that is recorded."""
    with running_simulator(symbols=3, seed=SEED, arguments=("--limit", "0")) as running:
        yield running


@pytest.fixture(autouse=True)
def _healed(exchange):
    exchange.clear_faults()
    exchange.move_clock(0)


@contextmanager
def minute_passes(exchange, folder):
    """Let the exchange's minute end as soon as the live part is over; nobody wants to wait for it."""

    def move():
        path = folder / "recording.json"
        eventually(lambda: path.exists() and _live_is_over(json.loads(path.read_text())), within_s=60)
        exchange.move_clock(64)

    mover = threading.Thread(target=move)
    mover.start()
    yield
    mover.join()


def _live_is_over(told):
    return told["live_done_s"] >= told["wanted"]["live_s"]


def moments(folder, name):
    """The values of a file of JSON lines."""
    return [json.loads(line) for line in gzip.decompress((folder / name).read_bytes()).splitlines()]


def manifest(folder):
    """The manifest as it stands."""
    return json.loads((folder / "recording.json").read_text())


@pytest.fixture(scope="module")
def recording(exchange, tmp_path_factory):
    """Half an hour and three seconds of the exchange."""
    folder = tmp_path_factory.mktemp("recorded") / "market"
    with minute_passes(exchange, folder):
        assert main(wish(exchange, folder, live="0.05")) == 0
    return folder


@pytest.fixture(scope="module")
def played(recording):
    """The recording in a second exchange, and the first one, both with clocks that the test moves."""
    return recorded(recording, time.time(), history_share=0.5), synthetic(time.time(), symbols=3, seed=SEED)


def test_the_recorded_candles_are_those_of_the_exchange(recording, played):
    """Every minute, in order, each once; and the one who plays them answers the same."""
    told = manifest(recording)
    second, first = played
    until = max(told["candles"].values())
    for coin in COINS:
        rows = [row[1:] for row in lines(recording, "candles-1m.csv.gz") if row[0] == f"{coin}/USDT:USDT"]
        assert [int(row[0]) for row in rows] == list(range(told["from_ms"], until, MINUTE))

        shift, symbol = second.market.shift_ms, f"{coin}USDT"
        first.clock.now, second.clock.now = until // 1000 + 60, (until + shift) // 1000 + 60
        shown = [
            parts.result("kline", category="linear", symbol=symbol, interval="1", end=end - 1, limit=30)[
                "list"
            ]
            for parts, end in ((first, until), (second, until + shift))
        ]
        assert [row[1:6] for row in shown[0]] == [row[1:6] for row in shown[1]]
        assert [int(row[0]) + shift for row in shown[0]] == [int(row[0]) for row in shown[1]]


def test_the_recorded_funding_rates_are_those_of_the_exchange(recording, played):
    """Also the one that was in force when the recording began; none that was settled only after its end."""
    _, first = played
    first.clock.now = max(manifest(recording)["candles"].values()) // 1000 - 1
    for coin in COINS:
        rows = [row for row in lines(recording, "funding-8h.csv.gz") if row[0] == f"{coin}/USDT:USDT"]
        history = first.result("funding/history", category="linear", symbol=f"{coin}USDT", limit=len(rows))
        assert rows
        assert [(int(row[1]), float(row[2])) for row in reversed(rows)] == [
            (int(row["fundingRateTimestamp"]), float(row["fundingRate"])) for row in history["list"]
        ]
        assert int(rows[0][1]) <= manifest(recording)["from_ms"]


def test_the_recorded_open_interest_and_account_ratios_are_those_of_the_exchange(recording, played):
    """Every five minutes from the value on that stood when the recording began."""
    _, first = played
    for coin in COINS:
        query = {"category": "linear", "symbol": f"{coin}USDT"}
        for name, path, interval in (
            ("open-interest-5m.csv.gz", "open-interest", "intervalTime"),
            ("account-ratio-5m.csv.gz", "account-ratio", "period"),
        ):
            rows = [row for row in lines(recording, name) if row[0] == f"{coin}/USDT:USDT"]
            first.clock.now = int(rows[-1][1]) // 1000
            told = first.result(path, **query, **{interval: "5min"}, limit=len(rows))["list"]
            assert len(rows) >= 6
            assert int(rows[0][1]) <= manifest(recording)["from_ms"]
            assert [int(row[1]) for row in reversed(rows)] == [int(row["timestamp"]) for row in told]
            assert [float(row[2]) for row in reversed(rows)] == [
                float(row["openInterest"])
                if "openInterest" in row
                else pytest.approx(float(row["buyRatio"]) / float(row["sellRatio"]), rel=1e-9)
                for row in told
            ]


def test_what_is_played_shows_the_recorded_books(recording, played):
    """Level by level, from the second in which each was recorded on."""
    second, first = played
    books = moments(recording, "books.jsonl.gz")
    assert {book["symbol"] for book in books} == set(SYMBOLS)
    for book in books:
        symbol = book["symbol"].replace("/USDT:USDT", "USDT")
        at_ms = book["timestamp"] + second.market.shift_ms
        second.clock.now = at_ms // 1000 + 1
        # Not always this one: there may be another of the same second, or of the very edge of the next.
        newest = max(
            one["timestamp"]
            for one in books
            if one["symbol"] == book["symbol"] and one["timestamp"] <= (book["timestamp"] // 1000 + 1) * 1000
        )
        first.clock.now = newest // 1000
        real = first.result("orderbook", category="linear", symbol=symbol, limit=50)
        shown = second.result("orderbook", category="linear", symbol=symbol, limit=50)

        assert (shown["b"], shown["a"]) == (real["b"], real["a"])
        assert shown["cts"] == newest + second.market.shift_ms


def test_what_is_played_shows_the_recorded_trades_and_prices(recording, played):
    """The same trades at the same distance from now, and the ticker's price."""
    second, first = played
    for symbol, trail in manifest(recording)["trades"].items():
        name = symbol.replace("/USDT:USDT", "USDT")
        moment = trail["spans"][-1][1] // 1000
        first.clock.now, second.clock.now = moment, moment + second.market.shift_ms // 1000
        real, shown = (
            parts.result("recent-trade", category="linear", symbol=name, limit=400)["list"]
            for parts in (first, second)
        )
        assert len(trail["spans"]) == 1
        assert len(real) == len(shown) == 400
        assert [(row["price"], row["size"], row["side"]) for row in shown] == [
            (row["price"], row["size"], row["side"]) for row in real
        ]
        assert [int(row["time"]) for row in shown] == [
            int(row["time"]) + second.market.shift_ms for row in real
        ]
        assert len({row["execId"] for row in shown}) == 400


def test_what_is_played_shows_the_recorded_tickers(recording, played):
    """Price, spread and the figures of the day, from the second after each was recorded on."""
    second, _ = played
    ticker = moments(recording, "tickers.jsonl.gz")[-1]
    second.clock.now = (ticker["timestamp"] + second.market.shift_ms) // 1000 + 1
    symbol = ticker["symbol"].replace("/USDT:USDT", "USDT")

    shown = second.result("tickers", category="linear", symbol=symbol)["list"][0]

    names = {
        "lastPrice": "last", "bid1Price": "bid", "ask1Price": "ask", "prevPrice24h": "open",
        "highPrice24h": "high", "lowPrice24h": "low", "volume24h": "volume", "turnover24h": "turnover",
    }  # fmt: skip
    assert {theirs: float(shown[theirs]) for theirs in names} == {
        theirs: float(ticker[ours]) for theirs, ours in names.items()
    }


def test_an_exchange_plays_what_was_recorded_over_http(recording):
    """The folder is all that the next process needs."""
    with running_simulator(recordings=recording) as playing:
        assert playing.state()["symbols"] == ["BTCUSDT", "ETHUSDT"]
        assert playing.get("orderbook", category="linear", symbol="BTCUSDT").json()["retCode"] == 0


def start(exchange, folder, **more: str):
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "simulator", "record", *wish(exchange, folder, **more)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background of a shell ignores it, and hands that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - one call, no lock
    )


def test_a_recording_that_was_killed_and_then_stopped_goes_on_without_a_hole_or_a_double(exchange, tmp_path):
    """Killed within the history, interrupted while live, and complete at the third start."""
    folder, more = tmp_path / "market", {"hours": "20", "live": "0.06"}
    exchange.fault("latency", path="/v5/market/kline", ms=300)

    first = start(exchange, folder, **more)
    eventually(lambda: (folder / "candles-1m.csv.gz").exists() and manifest(folder)["files"], within_s=60)
    first.kill()
    first.communicate()
    assert not manifest(folder)["finished"]
    with (folder / "candles-1m.csv.gz").open("ab") as file:
        file.write(b"half a page")  # as a kill in the middle of writing leaves it
    exchange.clear_faults()

    second = start(exchange, folder, **more)
    eventually(lambda: "books.jsonl.gz" in manifest(folder)["files"], within_s=60)
    second.send_signal(signal.SIGINT)
    _, said = second.communicate(timeout=30)
    assert second.returncode == 130
    assert said.splitlines()[-1] == "stopped; the same command continues"
    assert not manifest(folder)["finished"]

    with minute_passes(exchange, folder):
        assert main(wish(exchange, folder, **more)) == 0

    told = manifest(folder)
    candles = lines(folder, "candles-1m.csv.gz")
    for symbol in SYMBOLS:
        times = [int(row[1]) for row in candles if row[0] == symbol]
        assert times == list(range(told["from_ms"], told["candles"][symbol], MINUTE))
        assert len(told["trades"][symbol]["spans"]) == 1
    trades = [tuple(row) for row in lines(folder, "trades.csv.gz")]
    books = [(book["symbol"], book["timestamp"]) for book in moments(folder, "books.jsonl.gz")]
    assert len(set(trades)) == len(trades)
    assert len(set(books)) == len(books)
    assert told["finished"]
    assert 3.6 <= told["live_done_s"] < 2 * 3.6  # a round that has begun is ended

    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert main(wish(exchange, folder, **more)) == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
