"""What tests of the recorder share: a client that answers as it is told, and readers of what was kept."""

from __future__ import annotations

import csv
import gzip
import io
from contextlib import contextmanager

from simulator.record.folder import Folder
from simulator.record.manifest import Manifest, Trail, Wanted
from simulator.record.progress import Progress
from simulator.record.source import Source

BTC = "BTC/USDT:USDT"
COINS = ("BTC", "ETH")
SYMBOLS = [f"{coin}/USDT:USDT" for coin in COINS]
MINUTE = 60_000
START = 1_700_000_040_000
WANTED = Wanted("made", (BTC,), 1.0, 10.0)


def begun(minutes=5, wanted=WANTED):
    """A recording that has just begun."""
    return Manifest(
        wanted=wanted, from_ms=START, to_ms=START + minutes * MINUTE, candles={BTC: START},
        funding={BTC: START}, trades={BTC: Trail()},
    )  # fmt: skip


class Client:
    """Answers with what the test has laid ready; an exception among it is raised."""

    id = "made"

    def __init__(self, **answers: list[object]) -> None:
        self.answers = answers
        self.asked = []
        self.has = {"fetchTrades": True, "fetchOrderBook": True, "fetchTickers": True,
                    "fetchFundingRateHistory": True}  # fmt: skip
        self.markets = {BTC: {"swap": True, "contractSize": 1.0}}
        self.last_json_response = None

    def __getattr__(self, name) -> object:
        def call(*arguments: object):
            self.asked.append((name, *arguments))
            answer = self.answers[name].pop(0)
            if isinstance(answer, Exception):
                raise answer
            self.last_json_response = {}
            return answer

        return call


def source_of(client, *, patience_s=60.0, secrets=()):
    """A source that waits without time passing by itself, and what it said and waited."""
    said, now = [], [0.0]

    def sleep(seconds):
        now[0] += seconds

    source = Source(
        client, patience_s=patience_s, say=said.append, secrets=secrets, sleep=sleep, monotonic=lambda: now[0]
    )
    return source, said, now


def quiet():
    """Progress that nobody sees."""
    return Progress(stream=io.StringIO(), clock=lambda: 0.0)


def candle(minute, *, close=11.0, volume=1.5):
    """One row as ccxt gives it."""
    return [START + minute * MINUTE, 10.0, max(12.0, close), 9.0, close, volume]


@contextmanager
def new_folder(path):
    """A recording that has just begun, in a folder that was not there."""
    opened = Folder.opened(path, WANTED, begin=begun)
    yield opened
    opened.close()


def text(folder, name):
    """What a file of a recording holds, unpacked."""
    return gzip.decompress((folder / name).read_bytes()).decode()


def wish(exchange, folder, *, hours="0.5", live="0", symbols=SYMBOLS, every="0.5", patience="5"):
    """The words of the command."""
    return [
        str(folder), "--exchange", "bybit", "--url", exchange.url, "--symbols", ",".join(symbols),
        "--hours", hours, "--live", live, "--every", every, "--patience", patience,
    ]  # fmt: skip


def lines(folder, name):
    """The lines of a recorded file, without its heading."""
    return list(csv.reader(text(folder, name).splitlines()))[1:]
