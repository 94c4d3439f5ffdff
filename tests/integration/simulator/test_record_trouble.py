from __future__ import annotations

import io
import time

import pytest

from simulator.record.command import main
from simulator.record.folder import Folder
from simulator.record.history import record_candles
from simulator.record.manifest import Manifest, Trail, Wanted
from simulator.record.progress import Progress
from simulator.record.source import Source, connect
from tests.support.recorder import BTC, MINUTE, SYMBOLS, lines, wish
from tests.support.simulator import running_simulator

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def running():
    """The exchange that is to be recorded."""
    with running_simulator(symbols=3, arguments=("--limit", "0")) as simulator:
        yield simulator


@pytest.fixture
def exchange(running):
    """It, healed."""
    running.clear_faults()
    return running


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"--exchange": "bybt"}, "--exchange: ccxt knows no 'bybt'; is 'bybit' meant?"),
        ({"--symbols": "BTC/USDT:USDT,EHT/USDT:USDT"}, "--symbols: bybit has no 'EHT/USDT:USDT'; there are"),
    ],
)
def test_a_wish_that_cannot_be_fulfilled_is_told_in_one_line_and_leaves_nothing(
    exchange, tmp_path, capsys, change, line
):
    """Exit code 2, no traceback, no folder."""
    folder = tmp_path / "market"
    words = wish(exchange, folder)
    for flag, value in change.items():
        words[words.index(flag) + 1] = value

    assert main(words) == 2

    said = capsys.readouterr().err
    assert said.startswith(line)
    assert len(said.splitlines()) == 1
    assert not folder.exists()


@pytest.mark.parametrize(
    ("flag", "value"),
    [("--hours", "0"), ("--hours", "ten"), ("--hours", "1e9"), ("--symbols", "BTCUSD"), ("--symbols", ","),
     ("--symbols", "BTC/USDT,BTC/USDT:USDT"), ("--live", "-1"), ("--every", "0")],
)  # fmt: skip
def test_wrong_words_are_explained(exchange, tmp_path, capsys, flag, value):
    """The flag, what it got and what it wants."""
    words = wish(exchange, tmp_path / "market")
    words[words.index(flag) + 1] = value

    with pytest.raises(SystemExit) as ended:
        main(words)

    assert ended.value.code == 2
    assert f"argument {flag}: got {value!r}; want" in capsys.readouterr().err


def test_a_folder_that_cannot_be_used_is_refused(exchange, tmp_path, capsys):
    """Not a folder; somebody else's recordings; another wish; a process that is at it."""
    file, foreign, ours = tmp_path / "file", tmp_path / "foreign", tmp_path / "ours"
    file.touch()
    foreign.mkdir()
    (foreign / "candles-1m.csv.gz").touch()
    assert main(wish(exchange, ours, hours="0.1")) == 0
    capsys.readouterr()

    assert main(wish(exchange, file)) == 2
    assert "cannot be written to" in capsys.readouterr().err
    assert main(wish(exchange, foreign)) == 2
    assert "has candles-1m.csv.gz, which was not recorded here; want a new folder" in capsys.readouterr().err
    assert main(wish(exchange, ours, hours="0.2")) == 2
    assert "holds BTC/USDT:USDT,ETH/USDT:USDT of bybit, 0.1 hours and 0 minutes" in capsys.readouterr().err
    wanted = Wanted("bybit", tuple(SYMBOLS), 0.1, 0.0)
    held = Folder.opened(ours, wanted, begin=lambda: None)
    assert main(wish(exchange, ours, hours="0.1")) == 2
    assert "another process is recording into it" in capsys.readouterr().err
    held.close()


def test_an_exchange_that_is_not_there_ends_the_recording_with_one_line(exchange, tmp_path, capsys):
    """As soon as there is no patience left; what is kept can be continued."""
    words = wish(exchange, tmp_path / "market", patience="0")
    words[words.index("--url") + 1] = "http://127.0.0.1:9"

    assert main(words) == 1

    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith("bybit: NetworkError ") or said[0].startswith("bybit: ExchangeNotAvailable ")
    assert said[0].endswith("; the same command continues")


@pytest.fixture(scope="module")
def client(running):
    """A client that gives up early."""
    client = connect("bybit", url=running.url)
    client.timeout = 300
    client.load_markets()
    return client


@pytest.mark.parametrize(
    ("kind", "extra"),
    [(kind, {}) for kind in ("403", "418", "429", "500", "502", "503", "html", "truncated", "null", "empty")]
    + [("timeout", {"seconds": 0.5}), ("reset", {})],
)
def test_trouble_of_the_exchange_costs_time_and_no_candle(exchange, client, tmp_path, kind, extra):
    """An answer that is none is asked for again; it never passes for a stretch without trades."""
    waited = []
    source = Source(client, patience_s=60, say=lambda _: None, sleep=waited.append)
    until = int(time.time() * 1000) // MINUTE * MINUTE - 2 * MINUTE
    begun = Manifest(
        wanted=Wanted("bybit", (BTC,), 40.0, 0.0), from_ms=until - 2000 * MINUTE, to_ms=until,
        candles={BTC: until - 2000 * MINUTE}, funding={}, trades={BTC: Trail()},
    )  # fmt: skip
    folder = Folder.opened(tmp_path / "market", begun.wanted, begin=lambda: begun)
    exchange.fault(kind, path="/v5/market/kline", count=2, **extra)

    progress = Progress(stream=io.StringIO(), clock=time.monotonic)
    record_candles(source, folder, progress, until_ms=until)

    times = [int(row[1]) for row in lines(tmp_path / "market", "candles-1m.csv.gz")]
    assert times == list(range(begun.from_ms, until, MINUTE))
    assert len(waited) == 2
    folder.close()
