"""What only perpetuals have: open interest, funding, and how many accounts are long for one that is short."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import structlog

from market import particulars, validation
from market.errors import BadAnswer, NotSupported, SymbolUnknown
from market.inputs import Funding, LongShort, OpenInterest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from market.asking import Asker

log = structlog.get_logger(__name__)

STEP = "5m"
ROWS = 14  # of 5 minutes: the last 65
KEPT_S = 70 * 60.0
MINUTE_S = 60.0
# More than this within one interval is a slip of the decimal point.
LARGEST_RATE = 0.5

_HOURS = re.compile(r"(\d+)h")


class Derivatives:
    """What one exchange says of its perpetuals."""

    def __init__(self, ask: Asker) -> None:
        self._ask = ask

    def open_interest(self, symbol: str, previous: OpenInterest | None) -> OpenInterest:
        """Open interest of the last hour; see `Exchange.open_interest`."""
        ask, has = self._ask, self._ask.client.has
        with ask.asking(symbol):
            market = self._perpetual(symbol, "open interest")
            if has.get("fetchOpenInterestHistory"):
                raw = ask.client.fetch_open_interest_history(symbol, STEP, None, ROWS)
            elif has.get("fetchOpenInterest"):
                raw = [ask.client.fetch_open_interest(symbol)]
            else:
                raise NotSupported(ask.id, "no open interest", symbol=symbol)
        rows = self._interest_rows(raw, market)
        if previous is not None and previous.time and max(rows) < previous.time[-1]:
            raise BadAnswer(ask.id, "open interest going back in time", symbol=symbol)
        return _interest(ask.id, symbol, _with_previous(rows, previous))

    def funding(self, symbols: Iterable[str]) -> dict[str, Funding]:
        """The rates in force; see `Exchange.funding`."""
        ask, asked = self._ask, list(symbols)
        with ask.asking():
            ask.fit()
            perpetuals = [one for one in asked if (ask.client.markets.get(one) or {}).get("swap")]
            if not perpetuals and not any(one in ask.client.markets for one in asked):
                raise SymbolUnknown(ask.id, "not traded here", symbol=asked[0] if asked else None)
            if not perpetuals or not self._has_funding():
                raise NotSupported(ask.id, "no funding rates")
        intervals = self._intervals(perpetuals)
        raw, broken = self._funding_rows(perpetuals)
        found = {}
        for symbol in perpetuals:
            row = raw.get(symbol) or {}
            if row.get("fundingRate") is None:
                continue  # a new listing has none yet
            try:
                found[symbol] = self._funding_of(symbol, row, intervals.get(symbol))
            except BadAnswer as error:
                broken.append(f"{symbol}: {error.reason}")
        if broken:
            log.warning("funding_dropped", exchange=ask.id, dropped=len(broken), symbols=broken[:5])
        if not found:
            raise BadAnswer(ask.id, f"{len(broken)} broken funding rates" if broken else "no funding rates")
        return found

    def long_short(self, symbol: str) -> LongShort:
        """The newest ratio of accounts; see `Exchange.long_short`."""
        ask = self._ask
        with ask.asking(symbol):
            self._perpetual(symbol, "account ratio")
            if not ask.client.has.get("fetchLongShortRatioHistory"):
                raise NotSupported(ask.id, "no account ratio", symbol=symbol)
            period = particulars.ACCOUNT_RATIO_PERIOD.get(ask.client.id, STEP)
            raw = ask.client.fetch_long_short_ratio_history(symbol, period, None, 1)
        if not raw:
            raise BadAnswer(ask.id, "no account ratio", symbol=symbol)
        newest = max(raw, key=lambda row: row.get("timestamp") or 0)
        ratio = validation.positive(particulars.account_ratio(ask.client.id, newest))
        if ratio is None:
            raise BadAnswer(ask.id, "an account ratio that is not positive", symbol=symbol)
        return LongShort(ask.id, symbol, ratio, self._ask.time_of(newest, symbol))

    def _perpetual(self, symbol: str, what: str) -> Mapping[str, Any]:
        market = self._ask.market(symbol)
        if not market.get("swap"):
            raise NotSupported(self._ask.id, f"no {what} of a spot market", symbol=symbol)
        return market

    def _interest_rows(
        self, raw: Sequence[Mapping[str, Any]], market: Mapping[str, Any]
    ) -> dict[float, float]:
        """Base units by Unix time."""
        symbol, rows = market["symbol"], {}
        for row in raw or ():
            amount = particulars.open_interest_in_base(self._ask.client.id, row, market)
            if amount is None and row.get("openInterestValue") is not None:
                raise NotSupported(self._ask.id, "open interest in quote units only", symbol=symbol)
            in_base = validation.positive(amount)
            if in_base is None:
                raise BadAnswer(self._ask.id, "open interest that is not positive", symbol=symbol)
            rows[self._ask.time_of(row, symbol)] = in_base
        if not rows:
            raise BadAnswer(self._ask.id, "no open interest", symbol=symbol)
        return rows

    def _has_funding(self) -> bool:
        has = self._ask.client.has
        return bool(has.get("fetchFundingRates") or has.get("fetchFundingRate"))

    def _funding_rows(self, symbols: list[str]) -> tuple[Mapping[str, Any], list[str]]:
        """Ccxt's rows by symbol, and what is wrong with those that were asked for one by one."""
        client = self._ask.client
        rows: dict[str, Any] = {}
        broken: list[str] = []
        with_intervals = client.id in particulars.RATES_WITH_INTERVALS
        if with_intervals or client.has.get("fetchFundingRates"):
            with self._ask.asking():
                fetch = client.fetch_funding_intervals if with_intervals else client.fetch_funding_rates
                return dict(fetch(symbols)), broken
        for symbol in symbols:
            try:
                with self._ask.asking(symbol):
                    rows[symbol] = client.fetch_funding_rate(symbol)
            except (BadAnswer, SymbolUnknown) as error:
                broken.append(f"{symbol}: {error.reason}")
        return rows, broken

    def _intervals(self, symbols: list[str]) -> Mapping[str, float]:
        """Hours between settlements, where that takes a call of its own: once an hour for all threads."""
        ask = self._ask
        in_rates = ask.client.id in particulars.RATES_WITH_INTERVALS
        if in_rates or not ask.client.has.get("fetchFundingIntervals"):
            return {}

        def load() -> dict[str, float]:
            with ask.asking():
                raw = ask.client.fetch_funding_intervals(symbols)
            unlisted = particulars.INTERVAL_OF_THE_UNLISTED.get(ask.client.id)
            known = {
                symbol: hours_of((raw.get(symbol) or {}).get("interval")) or unlisted for symbol in symbols
            }
            return {symbol: hours for symbol, hours in known.items() if hours is not None}

        return ask.markets.intervals(symbols, now=ask.now(), load=load)

    def _funding_of(self, symbol: str, row: Mapping[str, Any], interval_h: float | None) -> Funding:
        """One rate; raise `BadAnswer` for one that cannot be."""
        rate = validation.number(row["fundingRate"])
        if rate is None or abs(rate) > LARGEST_RATE:
            raise BadAnswer(self._ask.id, "a funding rate that cannot be", symbol=symbol)
        as_of = self._ask.time_of(row, symbol)
        named = (validation.positive(row.get(name)) for name in ("fundingTimestamp", "nextFundingTimestamp"))
        next_at = next((at / 1000 for at in named if at is not None and at / 1000 > as_of - MINUTE_S), None)
        return Funding(
            self._ask.id, symbol, rate, hours_of(row.get("interval")) or interval_h, next_at, as_of
        )


def hours_of(interval: object) -> float | None:
    """Hours of ccxt's interval: "8h", or milliseconds where it does not know the word."""
    text = str(interval or "")
    match = _HOURS.fullmatch(text)
    hours = (
        float(match[1]) if match else float(text) / 3_600_000 if text.isdecimal() and text.isascii() else 0.0
    )
    return hours or None


def _with_previous(rows: Mapping[float, float], previous: OpenInterest | None) -> dict[float, float]:
    """Both, what is new overwriting; of one minute only the newest row."""
    before = dict(zip(previous.time, previous.amount, strict=True)) if previous is not None else {}
    together = {**before, **rows}
    by_minute = {time // MINUTE_S: (time, together[time]) for time in sorted(together)}
    oldest = max(together) - KEPT_S
    return dict(row for row in by_minute.values() if row[0] >= oldest)


def _interest(exchange: str, symbol: str, rows: Mapping[float, float]) -> OpenInterest:
    times = tuple(rows)
    return OpenInterest(exchange, symbol, times, tuple(rows.values()), as_of=times[-1])
