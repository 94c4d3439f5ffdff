"""Recorded answers of real exchanges, each with what ccxt made of it, and an edge that is given them."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.recordings import recordings
from tests.support.replay import replayed_exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from market.exchange import Exchange

NOW = 1_800_000_000.0
RECORDED = ("bybit", "okx", "kraken", "coinbase", "bitget")
CAPTURED = {
    "fetchOHLCV": ("ohlcv_BTC_USDT",),
    "fetchOrderBook": ("order_book_BTC_USDT",),
    "fetchTicker": ("ticker_BTC_USDT", "ticker_ETH_USDT"),
    "fetchTickers": ("tickers_BTC_ETH",),
    "fetchTrades": ("trades_BTC_USDT",),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One recorded call: what was asked, what came, and the value that ccxt made of it."""

    exchange: str
    arguments: list[Any]
    raw: Any
    expected: Any

    @property
    def symbol(self) -> str:
        """What was asked for."""
        return self.arguments[0]

    @property
    def unified(self) -> bool:
        """Whether it is an answer of bitget's interface for unified accounts."""
        return any(isinstance(one, dict) and one.get("uta") for one in self.arguments)

    def edge(self, *, clock: Callable[[], float] = lambda: NOW, adopted: bool = False) -> Exchange:
        """An exchange that gives this answer; `adopted`: with markets out of another process."""
        markets = markets_of(self.exchange)
        exchange, client, _ = replayed_exchange(
            self.exchange, {} if adopted else markets, lambda _url: self.raw, clock=clock
        )
        if adopted:
            source = replayed_exchange(self.exchange, markets, lambda _url: self.raw, clock=clock)[0]
            source._ask.fit()
            exchange.adopt_markets(json.loads(json.dumps(source.plain_markets())), as_of=NOW)
        if self.unified:
            client.options["uta"] = True
        return exchange


@functools.cache
def load(path: str) -> Any:
    """One recorded file."""
    return json.loads((recordings() / path).read_text())


def markets_of(exchange: str) -> dict[str, Any]:
    """The markets of ccxt for its fixtures."""
    return load(f"ccxt-static/markets/{exchange}.json")


def cases(method: str) -> Iterator[Case]:
    """Every recorded call of a public method, by ccxt's name for it."""
    for exchange in RECORDED:
        for one in load(f"ccxt-static/response/{exchange}.json")["methods"].get(method, ()):
            yield Case(exchange, one["input"], one["httpResponse"], one["parsedResponse"])
    for exchange in ("bybit", "okx"):
        for name in CAPTURED.get(method, ()):
            one = load(f"live-captures/{exchange}/fetch_{name}.json")
            yield Case(exchange, one["args"], one["http_response"], one["parsed_response"])
