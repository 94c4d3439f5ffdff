"""Lists of markets by name, and as much of a ccxt client as sharing them takes."""

from __future__ import annotations

import threading

from tests.support.replay import made_market


def listed(*names: str, kind: str = "swap"):
    """Markets of these bases against USDT, by symbol."""
    ending = "/USDT:USDT" if kind == "swap" else "/USDT"
    made = [made_market(name + ending, id=f"{name}USDT", kind=kind) for name in names]
    return {one["symbol"]: one for one in made}


class Client:
    """As much of a ccxt client as sharing markets takes."""

    id = "bybit"

    def __init__(self, *offered: str, kind: str = "swap", failure: Exception | None = None) -> None:
        self.markets: dict | None = None
        self.loads = 0
        self.offered = listed(*offered, kind=kind)
        self.failure = failure
        self.arrived = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def load_markets(self) -> None:
        """Take time, then load or fail."""
        self.loads += 1
        self.arrived.set()
        self.go_on.wait(5)
        if self.failure:
            raise self.failure
        self.markets = dict(self.offered)

    def fetch_markets(self) -> list[dict]:
        """What the exchange lists."""
        return list(self.offered.values())

    def set_markets(self, markets: list[dict]) -> None:
        """Keep a list."""
        self.markets = {one["symbol"]: one for one in markets}

    def set_markets_from_exchange(self, source: Client) -> None:
        """Share by reference."""
        self.markets = source.markets
