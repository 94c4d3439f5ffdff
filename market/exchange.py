"""The one edge to an exchange: typed, validated values come out of it, or one of our few errors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from market import validation
from market.asking import Asker
from market.candle_fetching import CandleFetching
from market.derivatives import Derivatives
from market.errors import BadAnswer, SymbolUnknown
from market.exchange_clock import ExchangeClock
from market.particulars import TAKER_UNKNOWN, VOLUME_IN_CONTRACTS, book_limit
from market.score_inputs import INPUTS
from market.shared_markets import SharedMarkets
from market.trade_fetching import TradeFetching
from market.universe import ranked, tracked_markets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from market.inputs import Funding, LongShort, OpenInterest, Trades
    from market.limiter import Limiter
    from market.model import Candles, Instrument, OrderBook, Ticker

log = structlog.get_logger(__name__)

PATIENCE_S = 20.0
WINDOW_S = 900.0

# What ccxt must have for an input, any of them; those of the second table only perpetuals have.
CALLS: dict[str, tuple[str, ...]] = {
    "candles": ("fetchOHLCV",),
    "order_book": ("fetchOrderBook",),
    "trades": ("fetchTrades",),
    "breadth": ("fetchTickers",),
}
CALLS_OF_PERPETUALS = {
    "open_interest": ("fetchOpenInterestHistory", "fetchOpenInterest"),
    "funding": ("fetchFundingRates", "fetchFundingRate"),
    "long_short": ("fetchLongShortRatioHistory",),
}


class Exchange:
    """One exchange as one thread sees it. Every method raises only `MarketError`s."""

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - what it is called everywhere, ccxt included
        client: Any,
        limiter: Limiter,
        clock: Callable[[], float],
        markets: SharedMarkets | None = None,
        exchange_clock: ExchangeClock | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.id = id
        self._client = client
        self._limiter = limiter
        self._markets = markets or SharedMarkets(id)
        self._ask = Asker(
            id=id,
            client=client,
            limiter=limiter,
            clock=clock,
            markets=self._markets,
            exchange_clock=exchange_clock or ExchangeClock(),
            patience_s=patience_s,
        )
        self._candles = CandleFetching(self._ask)
        self._trades = TradeFetching(self._ask)
        self._derivatives = Derivatives(self._ask)

    def now(self) -> float:
        """Unix seconds of the exchange's clock, never ahead of it; our own before its first answer."""
        return self._ask.now()

    def calls_within(self, seconds: float) -> int:
        """How many calls its limiter lets through in that time, at least one."""
        return max(1, int(self._limiter.rate.per_second * seconds))

    def spent(self) -> float:
        """Units of the exchange's rate that this thread's calls have taken so far."""
        return self._ask.spent

    def timeframes(self, wanted: Sequence[str]) -> list[str]:
        """Those of the wanted timeframes that the exchange has candles of; asks nothing."""
        return [timeframe for timeframe in wanted if timeframe in (self._client.timeframes or wanted)]

    def inputs(self) -> tuple[str, ...]:
        """Those of `INPUTS` that the exchange has; asks nothing.

        What only perpetuals have is left out once the markets are known and spot is what is tracked.
        """
        has, calls = self._client.has, CALLS
        tracked = tracked_markets(self._client.markets or {})
        if has.get("swap") and (not tracked or tracked[0].get("swap")):
            calls = CALLS | CALLS_OF_PERPETUALS
        lacking = {"trades"} if self._client.id in TAKER_UNKNOWN else set()
        return tuple(
            name
            for name in INPUTS
            if name not in lacking and any(has.get(call) for call in calls.get(name, ()))
        )

    def markets_as_of(self) -> float | None:
        """Unix time of the list of markets that this process has; None before there is one."""
        return self._markets.as_of

    def plain_markets(self) -> list[dict[str, Any]]:
        """The markets that may be tracked, as JSON or msgpack can carry them; empty before there are any."""
        return self._markets.plain()

    def adopt_markets(self, plain: Sequence[Mapping[str, Any]], *, as_of: float) -> None:
        """Take what another process got from `plain_markets` at a Unix time, unless ours is younger."""
        self._markets.adopt(plain, as_of=as_of)

    def universe(
        self, limit: int, known: Mapping[str, float | None] | None = None, *, believed: str | None = None
    ) -> tuple[Instrument, ...]:
        """The `limit` markets of the highest 24 h turnover, from a fresh list of markets.

        `known` has the last turnover of those that were tracked: one whose row cannot be true just now keeps
        its place by it. Raise `BadAnswer` when most of those that are still listed have no row at all, and
        `FewerMarkets` for a list that lost most of its markets, but for the one that is `believed`.
        """
        with self._ask.asking():
            self._markets.reload(self._client, now=self.now(), believed=believed)
        found, broken = self._tickers(None)
        markets, known = tracked_markets(self._client.markets), known or {}
        listed = [market["symbol"] for market in markets if market["symbol"] in known]
        absent = [symbol for symbol in listed if symbol not in found and symbol not in broken]
        if len(absent) > len(listed) / 2:
            raise BadAnswer(self.id, f"no tickers of {len(absent)} of the {len(listed)} symbols known")
        turnover = {symbol: ticker.turnover_24h for symbol, ticker in found.items()}
        turnover |= {symbol: known[symbol] for symbol in listed if symbol in broken}
        return ranked(markets, turnover, exchange=self.id, limit=limit)

    def tickers(self, symbols: Iterable[str] | None = None) -> dict[str, Ticker]:
        """Last prices from one call, of all tracked markets or of `symbols`; untrue rows are left out."""
        return self._tickers(None if symbols is None else list(symbols))[0]

    def candles(self, symbol: str, timeframe: str, *, bars: int) -> Candles:
        """The newest `bars` closed candles, fewer where the market is younger; gaps are filled.

        A series that ends long ago is returned as it is: `closed_at` says what it is true as of.
        """
        return self._candles.whole(symbol, timeframe, bars=bars)

    def newer_candles(self, previous: Candles, symbol: str, *, bars: int) -> Candles:
        """`previous` with what has closed since, trimmed to `bars`; asks for the few missing candles only.

        Nothing is asked while no candle has closed; a hole that the few would leave is loaded whole.
        """
        return self._candles.newer(previous, symbol, bars=bars)

    def order_book(self, symbol: str, *, depth: int = 50) -> OrderBook:
        """The best `depth` levels of each side, amounts in base units."""
        with self._ask.asking(symbol):
            market = self._ask.market(symbol)
            raw = self._client.fetch_order_book(symbol, book_limit(self._client.id, depth))
        book = validation.order_book(
            raw, exchange=self.id, symbol=symbol, depth=depth, unit=validation.contract_unit(market)
        )
        return replace(book, as_of=self._ask.time_of(raw, symbol))

    def trades(self, symbol: str, previous: Trades | None, *, window_s: float = WINDOW_S) -> Trades:
        """`previous` with what was traded since, of the newest `window_s` seconds, amounts in base units.

        One call, for about as many as are missing; a second one when it brought too few to join the two.
        What even that does not join is not known, and `since` says from when on everything is.
        """
        return self._trades.trades(symbol, previous, window_s=window_s)

    def open_interest(self, symbol: str, previous: OpenInterest | None) -> OpenInterest:
        """Open interest of the last hour: the exchange's own history, or `previous` and the present value."""
        return self._derivatives.open_interest(symbol, previous)

    def funding(self, symbols: Iterable[str]) -> dict[str, Funding]:
        """The rates in force, from one call where there is one; a symbol without a rate is left out."""
        return self._derivatives.funding(symbols)

    def long_short(self, symbol: str) -> LongShort:
        """How many accounts are long for one that is short, the newest figure."""
        return self._derivatives.long_short(symbol)

    def _tickers(self, asked: list[str] | None) -> tuple[dict[str, Ticker], set[str]]:
        """The rows that are true, and the symbols of those that are not."""
        with self._ask.asking():
            self._ask.fit()
            wanted = self._wanted(asked)
            raw = self._client.fetch_tickers(None if asked is None else wanted)
        found, broken = self._parsed_tickers(raw, wanted)
        if broken:
            log.warning("tickers_dropped", exchange=self.id, dropped=len(broken), symbols=broken[:5])
        if not found:
            raise BadAnswer(self.id, f"{len(broken)} broken tickers" if broken else "no tickers")
        return found, set(broken)

    def _parsed_tickers(
        self, raw: Mapping[str, Any], wanted: list[str]
    ) -> tuple[dict[str, Ticker], list[str]]:
        now = self._ask.asked_at()
        in_contracts = self._client.id in VOLUME_IN_CONTRACTS
        found, broken = {}, []
        for symbol in wanted:
            row = raw.get(symbol)
            if row is None:
                continue
            unit = validation.contract_unit(self._client.markets[symbol]) if in_contracts else 1.0
            ticker = validation.ticker(row, exchange=self.id, symbol=symbol, unit=unit, now=now)
            if ticker is None:
                broken.append(symbol)
            else:
                found[symbol] = ticker
        return found, broken

    def _wanted(self, asked: list[str] | None) -> list[str]:
        if asked is None:
            tracked = tracked_markets(self._client.markets)
            # Where an exchange has a call of its own for each type of market, this chooses it.
            self._client.options["defaultType"] = tracked[0]["type"] if tracked else "spot"
            return [market["symbol"] for market in tracked]
        known = [symbol for symbol in asked if symbol in self._client.markets]
        if not known:
            raise SymbolUnknown(self.id, "not traded here", symbol=asked[0] if asked else None)
        return known
