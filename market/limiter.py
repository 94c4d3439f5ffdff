"""How fast an exchange may be asked, and what everybody who asks it has to keep to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from market.clients import SIMULATED, is_simulated
from market.errors import Banned, ExchangeUnavailable, RateLimited

if TYPE_CHECKING:
    from market.errors import MarketError


@dataclass(frozen=True, slots=True)
class Window:
    """A published limit: at most `requests` in any `seconds`, counted per IP address."""

    requests: int
    seconds: float
    source: str


# Where an exchange publishes a plain window of requests it is far above ccxt's spacing, which is
# made for the strictest (private) endpoints. Everywhere else ccxt's own cost of a call counts.
PUBLISHED = {
    "bybit": Window(600, 5.0, "https://bybit-exchange.github.io/docs/v5/rate-limit, 'IP Limit'"),
    SIMULATED: Window(600, 5.0, "speaks Bybit's interface and keeps its limit"),
}

# The share of a window that flows steadily, and the calls that may go out at once: 583 of 600. What may be
# saved up is what a busy machine does not take in time: 87 ms of the flow.
USED_SHARE = 0.955
BURST = 10.0
# The share that is never exceeded, counted when calls really go out: a process that was stalled
# sends those that were waiting together. The rest, 12 of 600, is for calls that the network or a
# busy exchange brings closer together than they were sent, at most one for each thread.
HARD_SHARE = 0.98


@dataclass(frozen=True, slots=True)
class Rate:
    """Cost units that flow in each second and those that may be saved up.

    With a published `window` each call weighs 1, whatever ccxt's cost for it is, and no window ever
    holds more calls than it allows.
    """

    per_second: float
    burst: float
    window: Window | None = None

    def weight(self, cost: float) -> float:
        """What a call of ccxt's `cost` takes from the bucket."""
        return cost if self.window is None else 1.0

    def shared_by(self, processes: int) -> Rate:
        """The part of one of several processes that do not share a bucket."""
        window = self.window
        if window is not None:
            window = replace(window, requests=max(1, window.requests // processes))
        return Rate(self.per_second / processes, max(1.0, self.burst / processes), window)


def rate_of(exchange: str, *, rate_limit_ms: float, share: float = 1.0) -> Rate:
    """The rate for an exchange; `rate_limit_ms` is ccxt's time between two calls of cost 1.

    `share` divides the rate among processes that do not share a bucket.
    """
    window = PUBLISHED.get(SIMULATED if is_simulated(exchange) else exchange)
    if window is None:
        return Rate(share * 1000.0 / rate_limit_ms, 1.0)
    per_second = USED_SHARE * share * window.requests / window.seconds
    ours = replace(window, requests=int(HARD_SHARE * share * window.requests))
    return Rate(per_second, max(1.0, BURST * share), ours)


@dataclass(frozen=True, slots=True)
class Closure:
    """Why and until which Unix time nobody may ask; `word` is that of the error which said so."""

    until: float
    word: str
    reason: str

    def error(self, exchange: str, now: float) -> MarketError:
        """What somebody is told who may not ask, at the Unix time `now`."""
        if self.word == ExchangeUnavailable.word:
            return ExchangeUnavailable(exchange, self.reason, retry_after=max(0.0, self.until - now))
        kind = Banned if self.word == Banned.word else RateLimited
        return kind(exchange, self.reason, until=self.until)


OPEN = Closure(0.0, "", "")


class Limiter(Protocol):
    """Lets calls through at an exchange's rate. A shared one that breaks must limit by itself.

    Between `acquire` and its outcome a thread asks; a thread that was refused has nothing to tell.
    """

    rate: Rate

    def acquire(self, cost: float = 1.0, *, patience_s: float) -> None:
        """Wait for a call's turn.

        Raise `LimiterFull` when the turn would come after `patience_s`, and the error that closed the
        bucket (`RateLimited`, `Banned`, `ExchangeUnavailable`) when it stays closed for that long.
        While the circuit is open, raise `ExchangeUnavailable` at once, with the reason that opened it.
        """
        ...

    def close_until(self, until: float, *, word: str = RateLimited.word, reason: str = "closed") -> None:
        """Let nobody through before the Unix time `until`; the latest of several counts."""
        ...

    def succeeded(self) -> None:
        """Tell that what this thread was let through for has been answered."""
        ...

    def failed(self, error: MarketError) -> None:
        """Tell what came of it instead.

        Only an `ExchangeUnavailable` counts against the circuit: whatever else is wrong, the exchange
        answers. One that leaves the circuit open gets its `retry_after` by this.
        """
        ...
