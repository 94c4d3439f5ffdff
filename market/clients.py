"""ccxt clients: pointed at the right server, one per thread, with the markets shared.

ccxt costs a second and 80 MB to import, so it is imported where the first client is made.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from market.errors import NotSupported
from market.shared_markets import SharedMarkets

if TYPE_CHECKING:
    from collections.abc import Callable

SIMULATED = "simulated"
MOST_SIMULATED = 9
# What ccxt would load beside these (options, dated futures, inverse) is never asked for.
MARKET_TYPES = {
    "bybit": ["linear", "spot"],
    "binance": ["linear", "spot"],
    "okx": ["swap", "spot"],
    "gate": ["swap", "spot"],
    "kucoin": ["swap", "spot"],
}


def is_simulated(id: str) -> bool:  # noqa: A002 - ccxt's word for it
    """Whether an exchange id is `simulated`, or one of `simulated2` to `simulated9`."""
    number = id.removeprefix(SIMULATED)
    return id.startswith(SIMULATED) and number in {"", *map(str, range(2, MOST_SIMULATED + 1))}


def make_client(id: str, *, simulator_url: str, timeout_s: float) -> Any:  # noqa: A002 - ccxt's word for it
    """A ccxt client for an exchange id; a simulated one is ccxt's Bybit at `simulator_url`.

    Raise `NotSupported` for an id that ccxt does not know.
    """
    import ccxt  # noqa: PLC0415 - see the module's docstring

    from market.lean import lean  # noqa: PLC0415 - for ccxt's classes alone
    from market.session import WholeAnswerSession  # noqa: PLC0415 - loads requests, which only ccxt needs

    name = "bybit" if is_simulated(id) else id
    if name not in ccxt.exchanges:
        raise NotSupported(id, "ccxt knows no exchange of this name")
    session = WholeAnswerSession()
    session.trust_env = False  # as ccxt's own: neither a proxy nor a .netrc by accident
    client = lean(getattr(ccxt, name))({"timeout": int(timeout_s * 1000), "session": session})
    if is_simulated(id):
        client.urls["api"] = dict.fromkeys(client.urls["api"], simulator_url.rstrip("/"))
    if name in MARKET_TYPES:
        options = client.options.get("fetchMarkets")
        client.options["fetchMarkets"] = {
            **(options if isinstance(options, dict) else {}),
            "types": MARKET_TYPES[name],
            "fetchTickersFees": False,  # kucoin's: all tickers once more, for the fees
        }
    if name == "binance":
        # Recent trades weigh 5 there, ccxt's choice of aggregated ones 20.
        client.options["fetchTradesMethod"] = "fapiPublicGetTrades"
    if client.has.get("swap"):
        client.options["defaultType"] = "swap"
    client.has["fetchCurrencies"] = False  # wants a key on most exchanges, and nothing needs it
    return client


class Clients:
    """One client of an exchange per thread, since ccxt's are not for several threads at once."""

    def __init__(self, exchange: str, *, make: Callable[[], Any]) -> None:
        self.markets = SharedMarkets(exchange)
        self._make = make
        self._local = threading.local()

    def get(self) -> Any:
        """The calling thread's client."""
        client = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = self._make()
        return client
