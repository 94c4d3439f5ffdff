"""Real ccxt clients over recorded answers: only the HTTP session below them is replaced."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import requests

from market.clients import make_client
from market.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from market.errors import MarketError


def made_market(symbol: str, *, id: str, kind: str = "swap", **more: Any) -> dict[str, Any]:  # noqa: A002
    """As much of ccxt's market as its parsers and the edge read."""
    base, rest = symbol.split("/")
    quote = rest.split(":")[0]
    is_swap = kind == "swap"
    settle = quote if is_swap else None
    return {
        "id": id, "symbol": symbol, "base": base, "quote": quote, "settle": settle,
        "baseId": base, "quoteId": quote, "settleId": settle, "type": kind,
        "spot": not is_swap, "swap": is_swap, "future": False, "option": False, "contract": is_swap,
        "linear": is_swap or None, "inverse": False if is_swap else None,
        "contractSize": 1.0 if is_swap else None, "active": True, "precision": {}, "limits": {}, "info": {},
        **more,
    }  # fmt: skip


class FreeLimiter:
    """Lets everything through and remembers what it was told."""

    def __init__(self) -> None:
        self.costs: list[float] = []
        self.closures: list[tuple[float, str]] = []
        self.outcomes: list[str] = []

    def acquire(self, cost: float = 1.0, *, patience_s: float) -> None:  # noqa: ARG002 - the Protocol's
        """Never wait."""
        self.costs.append(cost)

    def close_until(self, until: float, *, word: str = "rate_limited", reason: str = "") -> None:  # noqa: ARG002
        """Stay open."""
        self.closures.append((until, word))

    def succeeded(self) -> None:
        """Note it."""
        self.outcomes.append("succeeded")

    def failed(self, error: MarketError) -> None:
        """Note what failed."""
        self.outcomes.append(type(error).__name__)


class ReplayedSession:
    """Stands in for `requests.Session`: answers each request with what `answer(url)` returns.

    That is a body (a str as it is, anything else as JSON), or (body, status, headers), or an exception.
    """

    def __init__(self, answer: Callable[[str], Any]) -> None:
        self.answer = answer
        self.urls: list[str] = []
        self.headers: dict[str, str] = {}
        self.cookies = requests.cookies.RequestsCookieJar()

    def request(self, _method: str, url: str, **_options: Any) -> requests.Response:
        """Answer as `requests` would."""
        self.urls.append(url)
        answered = self.answer(url)
        if isinstance(answered, Exception):
            raise answered
        body, status, headers = answered if isinstance(answered, tuple) else (answered, 200, {})
        response = requests.Response()
        response.status_code = status
        response.reason = "recorded"
        response.url = url
        response.headers.update({"Content-Type": "application/json", **headers})
        response._content = (body if isinstance(body, str) else json.dumps(body)).encode()
        return response

    def close(self) -> None:
        """Nothing is open."""


def replayed_client(id: str, markets: Mapping[str, Any], answer: Callable[[str], Any]) -> Any:  # noqa: A002
    """A ccxt client with these markets whose every request is answered by `answer(url)`."""
    client = make_client(id, simulator_url="http://replayed.invalid", timeout_s=5)
    client.session.close()
    client.session = ReplayedSession(answer)
    if markets:
        client.set_markets(markets)
    return client


def replayed_exchange(
    id: str,  # noqa: A002
    markets: Mapping[str, Any],
    answer: Callable[[str], Any],
    *,
    clock: Callable[[], float] = lambda: 1_800_000_000.0,
) -> tuple[Exchange, Any, FreeLimiter]:
    """An `Exchange` over such a client, with the client (its session has `urls`) and the limiter."""
    client, limiter = replayed_client(id, markets, answer), FreeLimiter()
    return Exchange(id=id, client=client, limiter=limiter, clock=clock), client, limiter
