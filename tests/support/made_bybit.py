"""A made-up Bybit for unit tests: a few markets, and candles as its REST interface sends them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from tests.support.replay import made_market, replayed_exchange

MINUTE_MS = 60_000
START_MS = 1_800_000_000_000
STARTED = START_MS / 1000
BTC = "BTC/USDT:USDT"
MARKETS = {
    one["symbol"]: one
    for one in (
        made_market("BTC/USDT:USDT", id="BTCUSDT"),
        made_market("ETH/USDT:USDT", id="ETHUSDT"),
        made_market("OLD/USDT:USDT", id="OLDUSDT", active=False),
        made_market("BTC/USDC:USDC", id="BTCPERP"),
        made_market("BTC/USDT", id="BTCUSDT", kind="spot"),
    )
}


class Bybit:
    """Answers like Bybit's candles do: newest first, at most 1000, the running one included."""

    def __init__(self, minute: float = 100.5, since: int = 0) -> None:
        self.minute = minute
        self.since = since
        self.left_out: set[int] = set()
        self.limits: list[int] = []

    def now(self) -> float:
        """Unix seconds."""
        return STARTED + self.minute * 60

    def close(self, minute: int) -> float:
        """The close of a minute."""
        return 100.0 + minute % 7

    def __call__(self, url: str) -> dict[str, object]:
        """Answer a request for candles."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        self.limits.append(int(asked["limit"]))
        minutes = [m for m in range(self.since, int(self.minute) + 1) if m not in self.left_out]
        first = (int(asked["start"]) - START_MS) // MINUTE_MS if "start" in asked else None
        if first is not None:
            minutes = [m for m in minutes if first <= m < first + int(asked["limit"])]
        rows = [
            [str(START_MS + m * MINUTE_MS), *[str(self.close(m))] * 4, "1", "1"]
            for m in minutes[-int(asked["limit"]) :]
        ]
        return {"retCode": 0, "result": {"list": rows[::-1]}}


def made_exchange(answer, *, clock=None, markets=None):
    """An exchange, its client and its limiter, with this answer to every request."""
    return replayed_exchange(
        "bybit", MARKETS if markets is None else markets, answer, clock=clock or answer.now
    )


def bybit(raw, *, markets=None, now: float = STARTED):
    """An exchange, its client and its limiter, with this one answer."""
    return made_exchange(lambda _url: raw, clock=lambda: now, markets=markets)
