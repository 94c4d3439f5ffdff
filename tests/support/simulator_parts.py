"""The simulated exchange in this process: no socket, a clock that the test moves."""

from __future__ import annotations

import gzip
import json

from simulator.control import Control, ShiftedClock
from simulator.faults import Faults
from simulator.limiter import Limit, RateLimiter
from simulator.listing import Listing
from simulator.recordings import load
from simulator.service import PATHS, Service
from simulator.synthetic import SyntheticMarket
from simulator.tally import Tally
from simulator.tape import Tape

MARKET = "/v5/market/"


class Clock:
    """Unix seconds that stand still until a test moves them."""

    def __init__(self, now) -> None:
        self.now = now

    def __call__(self) -> float:
        """The time."""
        return self.now

    def move(self, seconds):
        """Let time pass."""
        self.now += seconds


class Parts:
    """Everything wired as the program wires it, around one market."""

    def __init__(self, market, clock, *, limit=None, dice=lambda: 0.0) -> None:
        self.market = market
        self.clock = clock
        self.tape = Tape(market=market)
        self.listing = Listing(self.tape)
        self.limiter = RateLimiter(limit=limit or Limit(requests=0), monotonic=clock)
        symbols = frozenset(one.symbol for one in market.instruments)
        self.faults = Faults(paths=PATHS, symbols=symbols, dice=dice)
        self.tally = Tally(PATHS, monotonic=clock)
        shared = {
            "listing": self.listing,
            "limiter": self.limiter,
            "faults": self.faults,
            "tally": self.tally,
        }
        self.shifted = ShiftedClock(clock)
        self.service = Service(**shared, clock=self.shifted)
        self.control = Control(**shared, clock=self.shifted)

    def reply(self, path, *, client="127.0.0.1", **query: object):
        """The raw reply of the exchange to `path` without /v5/market/."""
        return self.service.reply(MARKET + path, {key: str(value) for key, value in query.items()}, client)

    def answer(self, path, **query: object):
        """The decoded envelope."""
        return json.loads(self.reply(path, **query).body)

    def result(self, path, **query: object):
        """The result of an answer that must be good."""
        answer = self.answer(path, **query)
        assert answer["retCode"] == 0, answer
        return answer["result"]

    def instrument(self, symbol, category="linear"):
        """An instrument by name."""
        return self.listing.find(category, symbol)


def synthetic(now, *, symbols=6, seed=7, **more: object):
    """Parts around a small synthetic market."""
    return Parts(SyntheticMarket(symbols=symbols, seed=seed), Clock(now), **more)


def recorded(folder, now, *, history_share=2 / 3, **more: object):
    """Parts around a folder of recordings."""
    market = load(folder, now_ms=int(now * 1000), seed=7, history_share=history_share)
    return Parts(market, Clock(now), **more)


def write_candles(folder, candles, *, name="candles-1m.csv", start_ms=1_700_000_040_000, step_ms=60_000):
    """Write {base coin: [(open, high, low, close, volume), ..]} as a recording; None is a gap."""
    lines = ["symbol,timestamp,open,high,low,close,volume"]
    for base, rows in candles.items():
        for place, row in enumerate(rows):
            if row is not None:
                lines.append(f"{base}/USDT:USDT,{start_ms + place * step_ms},{','.join(row)}")
    text = "\n".join(lines) + "\n"
    path = folder / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path
