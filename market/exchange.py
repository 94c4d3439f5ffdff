"""The one edge to an exchange: typed, validated values come out of it, or one of our few errors."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog

from market import validation
from market.answers import PARSER_FAILURES, translate
from market.candles import closed_only, fill_gaps, merge
from market.clients import SharedMarkets
from market.errors import (
    BadAnswer,
    Banned,
    ExchangeUnavailable,
    LimiterFull,
    MarketError,
    NotSupported,
    RateLimited,
    SymbolUnknown,
)
from market.exchange_clock import ExchangeClock
from market.model import TIMEFRAME_SECONDS
from market.transport import Transport
from market.universe import ranked, tracked_markets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from market.limiter import Limiter
    from market.model import Candles, Floats, Instrument, OrderBook, Ticker

log = structlog.get_logger(__name__)

PATIENCE_S = 20.0
# Read again with the new candles: an exchange corrects a candle shortly after its close.
OVERLAP_BARS = 1
# Exchanges whose tickers give the 24 h volume of a contract in contracts and no turnover.
VOLUME_IN_CONTRACTS = frozenset({"okx"})


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
        self._clock = clock
        self._markets = markets or SharedMarkets(id)
        self._exchange_clock = exchange_clock or ExchangeClock()
        self._transport = Transport(
            exchange=id,
            client=client,
            limiter=limiter,
            clock=clock,
            exchange_clock=self._exchange_clock,
            patience_s=patience_s,
        )

    def now(self) -> float:
        """Unix seconds of the exchange's clock, never ahead of it; our own before its first answer."""
        return self._exchange_clock.at(self._clock())

    def calls_within(self, seconds: float) -> int:
        """How many calls its limiter lets through in that time, at least one."""
        return max(1, int(self._limiter.rate.per_second * seconds))

    def timeframes(self, wanted: Sequence[str]) -> list[str]:
        """Those of the wanted timeframes that the exchange has candles of; asks nothing."""
        return [timeframe for timeframe in wanted if timeframe in (self._client.timeframes or wanted)]

    def universe(self, limit: int) -> tuple[Instrument, ...]:
        """The `limit` markets of the highest 24 h turnover, from a fresh list of markets."""
        with self._asking():
            self._markets.reload(self._client)
        found = self.tickers()
        turnover = {symbol: ticker.turnover_24h for symbol, ticker in found.items()}
        return ranked(tracked_markets(self._client.markets), turnover, exchange=self.id, limit=limit)

    def tickers(self, symbols: Iterable[str] | None = None) -> dict[str, Ticker]:
        """Last prices from one call, of all tracked markets or of `symbols`; untrue rows are left out."""
        asked = None if symbols is None else list(symbols)
        with self._asking():
            self._markets.fit(self._client)
            wanted = self._wanted(asked)
            raw = self._client.fetch_tickers(None if asked is None else wanted)
        found, broken = self._parsed_tickers(raw, wanted)
        if broken:
            log.warning("tickers_dropped", exchange=self.id, dropped=len(broken), symbols=broken[:5])
        if not found:
            raise BadAnswer(self.id, f"{len(broken)} broken tickers" if broken else "no tickers")
        return found

    def candles(self, symbol: str, timeframe: str, *, bars: int) -> Candles:
        """The newest `bars` closed candles, fewer where the market is younger; gaps are filled.

        A series that ends long ago is returned as it is: `closed_at` says what it is true as of.
        """
        rows, now = self._rows(symbol, timeframe, bars + 1)
        return self._closed(rows, symbol, timeframe, now=now, bars=bars)

    def newer_candles(self, previous: Candles, symbol: str, *, bars: int) -> Candles:
        """`previous` with what has closed since, trimmed to `bars`; asks for the few missing candles only.

        Nothing is asked while no candle has closed; a hole that the few would leave is loaded whole.
        """
        missing = int((self.now() - previous.closed_at) * 1000 // previous.step_ms)
        if len(previous) and missing <= 0:
            return previous.tail(bars)
        few = missing + OVERLAP_BARS + 1  # and the running one
        if not len(previous) or few > bars:
            return self.candles(symbol, previous.timeframe, bars=bars)
        rows, now = self._rows(symbol, previous.timeframe, few)
        newer = self._closed(rows, symbol, previous.timeframe, now=now, bars=bars)
        if len(newer) and newer.first_open_ms / 1000 > previous.closed_at:
            return self.candles(symbol, previous.timeframe, bars=bars)
        return merge(previous, newer).tail(bars)

    def order_book(self, symbol: str, *, depth: int = 50) -> OrderBook:
        """The best `depth` levels of each side, amounts in base units."""
        with self._asking(symbol):
            market = self._market(symbol)
            raw = self._client.fetch_order_book(symbol, depth)
        now = self._exchange_clock.at(self._transport.sent_at)
        said_at = raw.get("timestamp")
        book = validation.order_book(
            raw, exchange=self.id, symbol=symbol, depth=depth, unit=validation.contract_unit(market)
        )
        return replace(book, as_of=said_at / 1000 if said_at else now)

    def _rows(self, symbol: str, timeframe: str, wanted: int) -> tuple[Floats, float]:
        """The newest `wanted` raw rows, and the exchange's time when it was asked for the newest.

        It is the time of asking, not of the answer: a candle that closed while the answer was on
        its way was still running when the exchange wrote it down.
        """
        most = self._most_rows(symbol, timeframe, wanted)
        rows = self._page(symbol, timeframe, limit=min(wanted, most))
        now = self._exchange_clock.at(self._transport.sent_at)
        may_have_more = len(rows) >= min(wanted, most)
        while may_have_more and len(rows) < wanted:
            count = min(most, wanted - len(rows))
            first_ms = int(rows[0, 0])
            since_ms = first_ms - count * TIMEFRAME_SECONDS[timeframe] * 1000
            older = self._page(symbol, timeframe, limit=count, since_ms=since_ms)
            older = older[older[:, 0] < first_ms]
            rows = np.concatenate((older, rows))
            may_have_more = len(older) > 0
        return rows, now

    def _most_rows(self, symbol: str, timeframe: str, wanted: int) -> int:
        """How many of `wanted` candles the exchange gives in one call."""
        with self._asking(symbol):
            self._market(symbol)
            if timeframe not in (self._client.timeframes or TIMEFRAME_SECONDS):
                raise NotSupported(self.id, f"no candles of {timeframe}", symbol=symbol)
            return int(self._client.feature_value(symbol, "fetchOHLCV", "limit", wanted) or wanted)

    def _page(self, symbol: str, timeframe: str, *, limit: int, since_ms: int | None = None) -> Floats:
        with self._asking(symbol):
            raw = self._client.fetch_ohlcv(symbol, timeframe, since_ms, limit)
        if since_ms is not None and not raw:
            return np.zeros((0, validation.CANDLE_FIELDS))  # older than the market
        return validation.candle_rows(raw, timeframe, exchange=self.id, symbol=symbol)

    def _closed(self, rows: Floats, symbol: str, timeframe: str, *, now: float, bars: int) -> Candles:
        step_ms = TIMEFRAME_SECONDS[timeframe] * 1000
        closed = rows[rows[:, 0] + step_ms <= now * 1000]
        if len(closed):
            return fill_gaps(timeframe, closed, bars=bars)
        if rows[0, 0] > now * 1000 + step_ms:
            raise BadAnswer(self.id, "candles of the future", symbol=symbol)
        return closed_only(fill_gaps(timeframe, rows[:1]), now)

    def _parsed_tickers(
        self, raw: Mapping[str, Any], wanted: list[str]
    ) -> tuple[dict[str, Ticker], list[str]]:
        now = self._exchange_clock.at(self._transport.sent_at)
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

    def _market(self, symbol: str) -> Mapping[str, Any]:
        self._markets.fit(self._client)
        market: Mapping[str, Any] | None = self._client.markets.get(symbol)
        if market is None or market.get("active") is False:
            raise SymbolUnknown(self.id, "not traded here" if market is None else "delisted", symbol=symbol)
        return market

    @contextmanager
    def _asking(self, symbol: str | None = None) -> Iterator[None]:
        """Turn whatever a ccxt call fails with into an error of ours, and close the limiter for all."""
        import ccxt  # noqa: PLC0415 - loaded with the client already

        outer = sys.exception()
        try:
            yield
        # ccxt's parsers run into plain errors of Python on a body of a strange shape. Our own code
        # is not under this: it validates after the call.
        except (MarketError, ccxt.BaseError, OSError, *PARSER_FAILURES) as exc:
            error = translate(exc, exchange=self.id, now=self._clock(), symbol=symbol, outer=outer)
            self._close_for(error)
            if error is exc:
                raise
            raise error from exc

    def _close_for(self, error: MarketError) -> None:
        if isinstance(error, RateLimited | Banned) and not isinstance(error, LimiterFull):
            self._limiter.close_until(error.until, word=error.word, reason=error.reason)
        if isinstance(error, ExchangeUnavailable) and error.retry_after:
            self._limiter.close_until(self._clock() + error.retry_after, word=error.word, reason=error.reason)
