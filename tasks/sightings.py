"""What is cached, as the conditions of alerts want it: read once, and only judged where it has changed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cache.catalogue import BETA, CANDLES, CONFLUENCE, EXCHANGE_STATUS, TICKERS, UNIVERSE
from market import alert_bars, alerts, score_inputs
from market.model import TIMEFRAME_SECONDS, Candles
from tasks import plain
from tasks.refusals import NOT_YET

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cache import Entry, Key
    from market.alerts import Age, Sighting
    from tasks.wire import House

BETA_TIMEFRAME = "5m"
REACHED_BY = ("tickers", "universe")
NEVER = float("-inf")
PRICED_FOR_S = {
    **{score_inputs.candles_input(name): seconds for name, seconds in TIMEFRAME_SECONDS.items()},
    score_inputs.ORDER_BOOK: 0.0,
}
"""The inputs of a score that follow the price, and for how long each says all there is of it."""


def of_score(house: House, exchange: str, symbol: str, entry: Entry) -> Sighting | None:
    """The sighting of a stored score; None for one that lacks a component since inputs have not come yet.

    Each that comes moves such a score far, and that is not the market's doing.
    """
    if any(NOT_YET in gap["reason"] for gap in entry.value["missing"]):
        return None
    sighting = alerts.of_score(
        exchange,
        symbol,
        entry.value["score"],
        mark=entry.version,
        high=house.settings.alert_score_high,
        low=house.settings.alert_score_low,
    )
    return None if sighting is None else _aged(sighting, _priced_at(entry.value), house.clock())


def _priced_at(score: Mapping[str, Any]) -> float:
    """The moment up to which the candles and the book of a score say all there is, in Unix seconds.

    Other inputs come seldom, and one that an exchange has stopped to give must not silence its alerts.
    """
    ends = [math.inf]
    for one in score.get("inputs", ()):
        if not one["used"] or one["as_of"] is None:
            continue
        if one["name"] in PRICED_FOR_S:
            ends.append(one["as_of"] + PRICED_FOR_S[one["name"]])
    return min(ends)


def _aged(sighting: Sighting, as_of: float, now: float) -> Sighting:
    """The sighting, marked where what it is made of is no news any more."""
    return replace(sighting, old=True) if alerts.is_old(as_of, now) else sighting


@dataclass(slots=True)
class Look:
    """One look at all exchanges: the sightings, and how far each entry was looked at.

    `seen` has the version of each entry and, for candles, also the close of the newest bar that was judged.
    """

    house: House
    known: Mapping[str, float]
    sightings: list[Sighting] = field(default_factory=list)
    seen: dict[str, float] = field(default_factory=dict)

    @classmethod
    def at(cls, house: House, known: Mapping[str, float]) -> Look:
        """Look at what has changed since what is `known` was seen; at what changes by waiting, always."""
        look = cls(house, known)
        for exchange in house.settings.exchanges:
            look._at_exchange(exchange)
        return look

    def _at_exchange(self, exchange: str) -> None:
        universe = self.house.cache.get(UNIVERSE.key(exchange=exchange))
        symbols = plain.symbols_of(universe.value if universe else None)
        statuses = {source: EXCHANGE_STATUS.key(exchange=exchange, source=source) for source in REACHED_BY}
        scores = {symbol: CONFLUENCE.key(exchange=exchange, symbol=symbol) for symbol in symbols}
        candles = {
            symbol: CANDLES.key(exchange=exchange, symbol=symbol, timeframe=alert_bars.TIMEFRAME)
            for symbol in symbols
        }
        tickers = TICKERS.key(exchange=exchange)
        beta = BETA.key(exchange=exchange, timeframe=BETA_TIMEFRAME)
        found = self.house.cache.get_many(
            [tickers, beta, *statuses.values(), *scores.values(), *candles.values()]
        )
        for symbol, key in scores.items():
            self._at_score(exchange, symbol, found.get(key))
        for symbol, key in candles.items():
            self._at_candles(exchange, symbol, found.get(key))
        self._at_beta(exchange, symbols, found.get(beta))
        unreachable = alerts.of_statuses(
            exchange, {source: found[key].value for source, key in statuses.items() if key in found}
        )
        self._add(unreachable)
        ages = self._ages(found.get(tickers), {symbol: found.get(key) for symbol, key in scores.items()})
        reachable = unreachable is None or not unreachable.level
        self.sightings += alerts.of_ages(exchange, ages, reachable=reachable)

    def _at_score(self, exchange: str, symbol: str, entry: Entry | None) -> None:
        if entry is None or not self._is_news(entry.key, entry.version):
            return
        self._add(of_score(self.house, exchange, symbol, entry))

    def _at_candles(self, exchange: str, symbol: str, entry: Entry | None) -> None:
        if entry is None or not self._is_news(entry.key, entry.version):
            return
        judged = f"{entry.key.text} judged"
        after = self.known.get(judged, NEVER)
        sightings = alert_bars.of_candles(exchange, symbol, Candles.from_plain(entry.value), after=after)
        # Not the newest bar of all: one that was not judged may be corrected.
        self.seen[judged] = max((one.mark for one in sightings), default=after)
        for one in sightings:
            self._add(one, as_of=one.mark)

    def _at_beta(self, exchange: str, symbols: Iterable[str], entry: Entry | None) -> None:
        if entry is None or not self._is_news(entry.key, entry.version):
            return
        rows = entry.value["symbols"]
        for symbol in symbols:
            if symbol in rows:
                told = alerts.of_beta(exchange, symbol, rows[symbol], mark=entry.version)
                self._add(told, as_of=entry.as_of)

    def _ages(self, tickers: Entry | None, scores: Mapping[str, Entry | None]) -> dict[str, Age]:
        prices = tickers.value["tickers"] if tickers else {}
        settings, now = self.house.settings, self.house.clock()
        ages = {
            symbol: alerts.age_of(
                price_at=prices[symbol]["confirmed_at"] if symbol in prices else None,
                scored_at=score.stored_at if score else None,
                late_inputs=tuple(score.value["stale"]) if score else (),
                now=now,
                price_life_s=settings.ttl_tickers,
                score_life_s=settings.ttl_confluence,
            )
            for symbol, score in scores.items()
        }
        return {symbol: age for symbol, age in ages.items() if age is not None}

    def _is_news(self, key: Key, mark: float) -> bool:
        """Whether this was not looked at before; from now on it was."""
        self.seen[key.text] = mark
        return mark != self.known.get(key.text)

    def _add(self, sighting: Sighting | None, *, as_of: float = math.inf) -> None:
        if sighting is not None:
            self.sightings.append(_aged(sighting, as_of, self.house.clock()))
