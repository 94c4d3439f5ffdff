"""One client of an exchange and what belongs to each call through it: its turn, its clock, its errors."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from market import validation
from market.answers import PARSER_FAILURES, translate
from market.errors import (
    BadAnswer,
    Banned,
    ExchangeUnavailable,
    LimiterFull,
    MarketError,
    RateLimited,
    SymbolUnknown,
)
from market.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from market.exchange_clock import ExchangeClock
    from market.limiter import Limiter
    from market.shared_markets import SharedMarkets


# What the whole exchange is at fault for.
ABSENT = (ExchangeUnavailable, RateLimited, Banned)


class Asker:
    """What every kind of fetching shares; its calls raise only `MarketError`s. For one thread."""

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - what it is called everywhere, ccxt included
        client: Any,
        limiter: Limiter,
        clock: Callable[[], float],
        markets: SharedMarkets,
        exchange_clock: ExchangeClock,
        patience_s: float,
    ) -> None:
        self.id = id
        self.client = client
        self.markets = markets
        self._limiter = limiter
        self._clock = clock
        self._exchange_clock = exchange_clock
        self._transport = Transport(
            exchange=id,
            client=client,
            limiter=limiter,
            clock=clock,
            exchange_clock=exchange_clock,
            patience_s=patience_s,
        )

    def now(self) -> float:
        """Unix seconds of the exchange's clock, never ahead of it; our own before its first answer."""
        return self._exchange_clock.at(self._clock())

    @property
    def spent(self) -> float:
        """Units of the limiter's rate that the calls so far have taken."""
        in_window = self._limiter.rate.window is not None
        return float(self._transport.turns) if in_window else self._transport.spent

    def latest(self) -> float:
        """Unix seconds by the later of the exchange's clock and ours: not even a wrong `Date` lies beyond."""
        return max(self.now(), self._clock())

    def asked_at(self) -> float:
        """The exchange's time at which the last request went out: what its answer is true as of, at least."""
        return self._exchange_clock.at(self._transport.sent_at)

    def time_of(self, row: Mapping[str, Any], symbol: str | None = None) -> float:
        """Unix seconds of one of ccxt's rows, those of asking where it has none.

        Raise `BadAnswer` for a time that cannot be: what is of the future would be fresh for ever.
        """
        if row.get("timestamp") is None:
            return self.asked_at()
        said = validation.positive(row["timestamp"])
        if said is None or said / 1000 > self.now() + validation.AHEAD_S:
            raise BadAnswer(self.id, "a time that cannot be", symbol=symbol)
        return said / 1000

    def fit(self) -> None:
        """See that the client has the current markets. To be called while asking."""
        self.markets.fit(self.client, now=self.now())

    def market(self, symbol: str) -> Mapping[str, Any]:
        """Ccxt's market; raise `SymbolUnknown` for one that is not traded. To be called while asking."""
        self.fit()
        market: Mapping[str, Any] | None = self.client.markets.get(symbol)
        if market is None or market.get("active") is False:
            raise SymbolUnknown(self.id, "not traded here" if market is None else "delisted", symbol=symbol)
        return market

    @contextmanager
    def asking(self, symbol: str | None = None) -> Iterator[None]:
        """Turn whatever a ccxt call fails with into an error of ours, and tell the limiter how it went."""
        import ccxt  # noqa: PLC0415 - loaded with the client already

        outer, turns_before = sys.exception(), self._transport.turns
        try:
            yield
        # ccxt's parsers run into plain errors of Python on a body of a strange shape. Our own code
        # is not under this: it validates after the call.
        except (MarketError, ccxt.BaseError, OSError, *PARSER_FAILURES) as exc:
            error = translate(exc, exchange=self.id, now=self._clock(), symbol=symbol, outer=outer)
            asked = self._transport.turns > turns_before
            if asked:  # else the limiter itself said so, and knows
                self._close_for(error)
            self._tell(error, asked=asked)
            if error is exc:
                raise
            raise error from exc
        self._tell(None, asked=self._transport.turns > turns_before)

    def _tell(self, error: MarketError | None, *, asked: bool) -> None:
        """Say once for a call whether the exchange is there; a call that got no turn says nothing about it.

        An answer that is wrong for one symbol comes from an exchange that answers.
        """
        if not asked:
            return
        if isinstance(error, ABSENT) and not isinstance(error, LimiterFull):
            self._limiter.failed(error)
        else:
            self._limiter.succeeded()

    def _close_for(self, error: MarketError) -> None:
        if isinstance(error, RateLimited | Banned) and not isinstance(error, LimiterFull):
            self._limiter.close_until(error.until, word=error.word, reason=error.reason)
        if isinstance(error, ExchangeUnavailable) and error.retry_after:
            self._limiter.close_until(self._clock() + error.retry_after, word=error.word, reason=error.reason)
