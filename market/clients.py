"""ccxt clients: pointed at the right server, one per thread, with the markets shared.

ccxt costs a second and 80 MB to import, so it is imported where the first client is made.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from market.errors import BadAnswer, NotSupported

if TYPE_CHECKING:
    from collections.abc import Callable

SIMULATED = "simulated"
# What ccxt would load beside these (options, dated futures, inverse) is never asked for.
MARKET_TYPES = {"bybit": ["linear", "spot"], "okx": ["swap", "spot"], "binance": ["linear", "spot"]}


def make_client(id: str, *, simulator_url: str, timeout_s: float) -> Any:  # noqa: A002 - ccxt's word for it
    """A ccxt client for an exchange id; `simulated` is ccxt's Bybit at `simulator_url`.

    Raise `NotSupported` for an id that ccxt does not know.
    """
    import ccxt  # noqa: PLC0415 - see the module's docstring

    from market.session import WholeAnswerSession  # noqa: PLC0415 - loads requests, which only ccxt needs

    name = "bybit" if id == SIMULATED else id
    if name not in ccxt.exchanges:
        raise NotSupported(id, "ccxt knows no exchange of this name")
    session = WholeAnswerSession()
    session.trust_env = False  # as ccxt's own: neither a proxy nor a .netrc by accident
    client = getattr(ccxt, name)({"timeout": int(timeout_s * 1000), "session": session})
    if id == SIMULATED:
        client.urls["api"] = dict.fromkeys(client.urls["api"], simulator_url.rstrip("/"))
    if name in MARKET_TYPES:
        options = client.options.get("fetchMarkets")
        client.options["fetchMarkets"] = {
            **(options if isinstance(options, dict) else {}),
            "types": MARKET_TYPES[name],
        }
    if client.has.get("swap"):
        client.options["defaultType"] = "swap"
    client.has["fetchCurrencies"] = False  # wants a key on most exchanges, and nothing needs it
    return client


class SharedMarkets:
    """The markets of one exchange, loaded once and given to the client of every thread.

    A client with its own copy takes 8 MB, one that shares them 0.1 MB.
    """

    def __init__(self, exchange: str) -> None:
        self._exchange = exchange
        self._lock = threading.Lock()
        self._source: Any | None = None
        self._failures = 0
        self._failure: Exception | None = None

    def fit(self, client: Any) -> None:
        """See that the client has the current markets; the first of all clients loads them."""
        if self._source is None:
            self._load_first(client)
        if client.markets is not self._source.markets:  # type: ignore[union-attr]
            client.set_markets_from_exchange(self._source)

    def reload(self, client: Any) -> None:
        """Load the markets anew through this client; the others take them at their next `fit`.

        Raise `BadAnswer`, and keep what there is, when more than half of the markets would be gone.
        """
        with self._lock:
            known = len(self._source.markets) if self._source is not None else 0
            markets = client.fetch_markets()
            if not markets or len(markets) < known / 2:
                raise BadAnswer(self._exchange, f"{len(markets)} markets where {known} were known")
            client.set_markets(markets)
            self._source = client

    def _load_first(self, client: Any) -> None:
        failures_before = self._failures
        with self._lock:
            if self._source is not None:
                return
            # Whoever waited for an attempt shares its failure: ten threads that try one after the
            # other would hang for ten time-outs.
            if self._failure is not None and self._failures > failures_before:
                raise self._failure
            try:
                self._load(client)
            except Exception as exc:
                self._failures, self._failure = self._failures + 1, exc
                raise
            self._source, self._failure = client, None

    def _load(self, client: Any) -> None:
        client.load_markets()
        if not client.markets:
            raise BadAnswer(self._exchange, "no markets")


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
