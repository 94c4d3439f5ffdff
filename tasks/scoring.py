"""One symbol's score from what is cached of it: its inputs put together, and scored when one is another."""

from __future__ import annotations

from hashlib import blake2s
from typing import TYPE_CHECKING, Any

from cache import Value
from cache.catalogue import BREADTH, FUNDING, INDICATORS, LONG_SHORT, OPEN_INTEREST, ORDER_BOOK
from market import score_inputs
from market.confluence import confluence
from market.inputs import Breadth, Funding, LongShort, OpenInterest, Trades
from market.model import TIMEFRAME_SECONDS, OrderBook
from market.score_inputs import ScoreInputs, candles_input
from market.timeframe_view import TimeframeView
from tasks import plain, refusals
from tasks.refusals import NOT_YET
from tasks.symbol_inputs import BY_PERIOD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cache import Entry, Key
    from tasks.wire import House

    Inputs = Mapping[Key, Entry | None]

NAMES = {
    **{one.kind.name: one.source for one in BY_PERIOD},
    FUNDING.name: score_inputs.FUNDING,
    BREADTH.name: score_inputs.BREADTH,
}
"""The input that each kind is, candles apart."""
ALL_OF_AN_EXCHANGE = {score_inputs.FUNDING: FUNDING, score_inputs.BREADTH: BREADTH}
BY_SYMBOL = {one.source: one.kind for one in BY_PERIOD}
IN_WORDS = {
    "order_book": "order books",
    "trades": "trades of which it is certain who took",
    "open_interest": "open interest",
    "funding": "funding rates",
    "long_short": "long/short ratio",
    "breadth": "tickers of all symbols",
}
REPEATED_S = {
    ORDER_BOOK.name: plain.REPEATED_S,
    OPEN_INTEREST.name: 1800.0,  # exchanges write it down every five minutes
    LONG_SHORT.name: 1800.0,
    FUNDING.name: 9 * 3600.0,  # some say when the rate was set: at the last settlement
}
"""An answer whose own time is older than this many seconds says nothing of now, however lately it came."""

MADE_OF = "made_of"
"""Of a view: the version of its candles."""


def inputs_of(key: Key, timeframes: Iterable[str], offered: Sequence[str]) -> tuple[Key, ...]:
    """The keys that a score is made of: those of the timeframes and inputs that the exchange has."""
    exchange, symbol = key.params["exchange"], key.params["symbol"]
    return (
        *(INDICATORS.key(exchange=exchange, symbol=symbol, timeframe=timeframe) for timeframe in timeframes),
        *(kind.key(exchange=exchange, symbol=symbol) for name, kind in BY_SYMBOL.items() if name in offered),
        *(kind.key(exchange=exchange) for name, kind in ALL_OF_AN_EXCHANGE.items() if name in offered),
    )


class Scoring:
    """Scores symbols of one exchange at one moment; those whose inputs did not change keep their score."""

    def __init__(
        self, house: House, exchange: str, offered: Sequence[str], timeframes: Sequence[str]
    ) -> None:
        self._house = house
        self._exchange = exchange
        self._settings = house.settings
        self._now = house.clock()
        self._lacking = {
            name: f"{exchange} has no {words}" for name, words in IN_WORDS.items() if name not in offered
        } | {
            candles_input(name): f"{exchange} has no candles of {name}"
            for name in house.settings.timeframes
            if name not in timeframes
        }
        self._refused: dict[Key, str] = {}
        self._weights = repr((house.settings.component_weights, house.settings.timeframe_weights))
        self.unchanged = 0

    def look_up_refusals(self, batch: Iterable[Inputs]) -> None:
        """Learn why what is absent in these inputs is, in one look for all."""
        absent = [key for inputs in batch for key, entry in inputs.items() if entry is None]
        self._refused |= refusals.reasons(self._house, absent)

    def value(self, symbol: str, inputs: Inputs, previous: Mapping[str, Any] | None) -> Value:
        """The score to store: computed anew, or the previous one with nothing but its life renewed."""
        stale = [input_name(key) for key, entry in inputs.items() if entry and self._is_late(symbol, entry)]
        as_of = self._complete_until(inputs.values())
        reasons = self._reasons(symbol, inputs)
        fingerprint = self._fingerprint(inputs, stale, reasons)
        if previous is not None and previous.get("fingerprint") == fingerprint:
            self.unchanged += 1
            return Value({**previous, "as_of": as_of}, as_of=as_of)
        held = held_signal(previous)
        score = confluence(
            exchange=self._exchange,
            symbol=symbol,
            inputs=self._score_inputs(symbol, inputs),
            component_weights=self._settings.component_weights,
            timeframe_weights=self._settings.timeframe_weights,
            previous_signal=held,
            stale_inputs=stale,
            reasons=reasons,
            now=self._now,
        )
        value = {
            **score.to_plain(),
            "as_of": as_of,
            "stale": stale,
            "held_signal": score.signal or held,
            "fingerprint": fingerprint,
        }
        return Value(value, as_of=as_of)

    def _score_inputs(self, symbol: str, inputs: Inputs) -> ScoreInputs:
        exchange = self._exchange
        known = {input_name(key): entry.value for key, entry in inputs.items() if entry is not None}
        views = {
            timeframe: TimeframeView.from_plain(view)
            if (view := known.get(candles_input(timeframe)))
            else None
            for timeframe in self._settings.timeframes
        }
        book, trades = known.get(score_inputs.ORDER_BOOK), known.get(score_inputs.TRADES)
        interest, ratio = known.get(score_inputs.OPEN_INTEREST), known.get(score_inputs.LONG_SHORT)
        rate, breadth = _rate(known, symbol), known.get(score_inputs.BREADTH)
        return ScoreInputs(
            views=views,
            book=OrderBook.from_plain(exchange, symbol, book) if book else None,
            trades=Trades.from_plain(exchange, symbol, trades) if trades else None,
            open_interest=OpenInterest.from_plain(exchange, symbol, interest) if interest else None,
            funding=Funding.from_plain(exchange, symbol, rate) if rate else None,
            long_short=LongShort.from_plain(exchange, symbol, ratio) if ratio else None,
            breadth=Breadth.from_plain(exchange, breadth) if breadth else None,
        )

    def _reasons(self, symbol: str, inputs: Inputs) -> dict[str, str]:
        """Why each input that is absent is absent."""
        absent = {
            input_name(key): self._refused.get(key, NOT_YET) for key, entry in inputs.items() if entry is None
        }
        known = {input_name(key): entry.value for key, entry in inputs.items() if entry is not None}
        if score_inputs.FUNDING in known and _rate(known, symbol) is None:
            absent[score_inputs.FUNDING] = f"{self._exchange} gave no funding rate for it"
        return {**absent, **self._lacking}

    def _is_late(self, symbol: str, entry: Entry) -> bool:
        """Whether an input is past its life, or a fresh answer that repeats what was long ago."""
        if entry.state == "stale":
            return True
        oldest_s = REPEATED_S.get(entry.key.kind.name)
        return oldest_s is not None and self._now - _said_at(entry, symbol) > oldest_s

    def _fingerprint(self, inputs: Inputs, stale: Sequence[str], reasons: Mapping[str, str]) -> str:
        """Differs as soon as anything that the score is made of does; the passing of time apart."""
        versions = sorted((key.text, _version(entry)) for key, entry in inputs.items())
        text = repr((versions, stale, sorted(reasons.items()), self._weights))
        return blake2s(text.encode(), digest_size=16).hexdigest()

    def _complete_until(self, inputs: Iterable[Entry | None]) -> float:
        """The moment up to which every input says all there is.

        A series does until its running candle ends, and what changes by the minute while it is not late.
        """
        ends = [self._now]
        for entry in inputs:
            if entry is None:
                continue
            timeframe = entry.key.params.get("timeframe")
            if timeframe:
                ends.append(entry.as_of + TIMEFRAME_SECONDS[timeframe])
            elif entry.key.kind is ORDER_BOOK or entry.state == "stale":
                ends.append(entry.as_of)
        return min(ends)


def held_signal(previous: Mapping[str, Any] | None) -> Any:
    """The signal that the hysteresis holds on to, also through a time in which there was no score."""
    if previous is None:
        return None
    return previous["signal"] or previous.get("held_signal")


def input_name(key: Key) -> str:
    """The name of an input in a score's explanation."""
    timeframe = key.params.get("timeframe")
    return candles_input(timeframe) if timeframe else NAMES[key.kind.name]


def _said_at(entry: Entry, symbol: str) -> float:
    """When the exchange said it of this symbol; an entry of all symbols is as old as the oldest of them."""
    if entry.key.kind is not FUNDING:
        return entry.as_of
    rate = entry.value["funding"].get(symbol)
    return entry.as_of if rate is None else float(rate["as_of"])


def _version(entry: Entry | None) -> int:
    """What an input is known by; a view by the candles that it is made of, however often it was renewed."""
    if entry is None:
        return 0
    made_of: int | None = entry.value.get(MADE_OF) if entry.key.kind is INDICATORS else None
    return entry.version if made_of is None else made_of


def _rate(known: Mapping[str, Any], symbol: str) -> Any:
    rates = known.get(score_inputs.FUNDING)
    return None if rates is None else rates["funding"].get(symbol)
