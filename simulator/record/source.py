"""The exchange that is recorded, through ccxt: asked as fast as its own limiter allows, and patiently."""

from __future__ import annotations

import difflib
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from simulator.record.numbers import is_positive
from simulator.record.refused import RecordRefused, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable

# What ccxt would load beside these (options, dated futures, inverse) is never recorded.
_MARKET_TYPES = {"bybit": ["linear", "spot"], "okx": ["swap", "spot"], "binance": ["linear", "spot"]}
_LONGEST_PAUSE_S = 30.0
_TIMEOUT_MS = 15_000


class BadAnswer(Exception):
    """An answer that cannot be what the exchange meant."""


class Source:
    """One ccxt client. Trouble is waited out for `patience_s`; after that `Unreachable` is raised.

    What is told of trouble has none of the `secrets` in it.
    """

    def __init__(
        self,
        client: Any,
        *,
        patience_s: float,
        say: Callable[[str], None],
        secrets: tuple[str, ...] = (),
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.client = client
        self._secrets = secrets
        self._patience_s = patience_s
        self._say = say
        self._sleep = sleep
        self._monotonic = monotonic
        self._offset_ms = 0

    def now_ms(self) -> int:
        """The exchange's clock."""
        return time.time_ns() // 1_000_000 + self._offset_ms

    def has(self, call: str) -> bool:
        """Whether ccxt can ask this exchange for it, under ccxt's name such as `fetchTrades`."""
        return bool(self.client.has.get(call))

    def contract_size(self, symbol: str) -> Decimal:
        """Base currency in one unit of amount: ccxt counts those of some exchanges in contracts."""
        size = self.client.markets[symbol].get("contractSize")
        return Decimal(repr(size)) if is_positive(size) else Decimal(1)

    def open(self, symbols: tuple[str, ...]) -> None:
        """Load the markets and the clock; raises RecordRefused for symbols that are not there."""
        self.ask(self.client.load_markets)
        for symbol in symbols:
            if symbol not in self.client.markets:
                near = difflib.get_close_matches(symbol, self.client.markets, n=3)
                meant = f"; there are {', '.join(near)}" if near else ""
                raise RecordRefused(f"--symbols: {self.client.id} has no {symbol!r}{meant}")
        self.read_clock()

    def read_clock(self) -> None:
        """Learn how far the exchange's clock is from ours; one that does not tell it is taken to agree."""
        if self.has("fetchTime"):
            self._offset_ms = int(self.ask(self.client.fetch_time)) - time.time_ns() // 1_000_000

    def ask(
        self, call: Callable[..., Any], *arguments: Any, check: Callable[[Any], None] | None = None
    ) -> Any:
        """What a method of the client gives, once it passes `check`, which raises BadAnswer."""
        import ccxt  # noqa: PLC0415 - a second and 80 MB, which the serving simulator does without

        hopeless = (ccxt.BadSymbol, ccxt.NotSupported, ccxt.AuthenticationError)
        began, pause_s = self._monotonic(), 1.0
        while True:
            try:
                return self._asked(call, arguments, check)
            except hopeless as error:
                raise RecordRefused(f"{self.client.id}: {self._short(error)}") from error
            # What ccxt makes of an answer that it did not expect can be of any of these kinds.
            except (ccxt.BaseError, BadAnswer, TypeError, ValueError, LookupError, AttributeError) as error:
                if self._monotonic() - began + pause_s > self._patience_s:
                    raise Unreachable(f"{self.client.id}: {self._short(error)}") from error
                self._say(f"{self.client.id}: {self._short(error)}; trying again in {pause_s:.0f} s")
            self._sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _short(self, error: Exception) -> str:
        text = " ".join(str(error).split())
        for secret in self._secrets:
            text = text.replace(secret, "***")
        # Cut only now: half a password is one too.
        return f"{type(error).__name__} {text[:200]}".strip()

    def _asked(
        self, call: Callable[..., Any], arguments: tuple[Any, ...], check: Callable[[Any], None] | None
    ) -> Any:
        self.client.last_json_response = None
        found = call(*arguments)
        # ccxt makes an empty result of a page of HTML: that would pass for a time without trades.
        if not isinstance(self.client.last_json_response, dict | list):
            raise BadAnswer("the answer is not JSON")
        if check is not None:
            check(found)
        return found


def connect(exchange: str, *, url: str | None) -> Any:
    """A ccxt client with its own limiter on; `url` stands in for the exchange. Raises RecordRefused."""
    import ccxt  # noqa: PLC0415 - see `ask`

    if exchange not in ccxt.exchanges:
        near = difflib.get_close_matches(exchange.lower(), ccxt.exchanges, n=1)
        meant = f"; is {near[0]!r} meant?" if near else ""
        raise RecordRefused(f"--exchange: ccxt knows no {exchange!r}{meant}")
    client = getattr(ccxt, exchange)({"enableRateLimit": True, "timeout": _TIMEOUT_MS})
    if url is not None and isinstance(client.urls["api"], dict):
        client.urls["api"] = dict.fromkeys(client.urls["api"], url.rstrip("/"))
    elif url is not None:
        client.urls["api"] = url.rstrip("/")
    if exchange in _MARKET_TYPES:
        options = client.options.get("fetchMarkets")
        kept = options if isinstance(options, dict) else {}
        client.options["fetchMarkets"] = {**kept, "types": _MARKET_TYPES[exchange]}
    client.enableLastJsonResponse = True
    client.has["fetchCurrencies"] = False  # wants a key on most exchanges, and nothing needs it
    return client


def secrets_of(url: str | None) -> tuple[str, ...]:
    """What of a URL may not be shown, in every spelling in which an error could repeat it."""
    login, at, _ = (url or "").partition("//")[2].rpartition("@")
    if not at:
        return ()
    user, colon, password = login.partition(":")
    word = password if colon else user  # a token stands alone
    plain = unquote(word)
    spellings = {login, unquote(login), word, plain, quote(plain), quote(plain, safe="")} - {""}
    return tuple(sorted(spellings, key=len, reverse=True))
