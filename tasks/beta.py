"""The task that measures every symbol of an exchange beside Bitcoin, from candles alone."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2s
from typing import TYPE_CHECKING, Any

from cache import Value, states
from cache.catalogue import BETA, CANDLES, UNIVERSE
from market.beta import LEADER, WINDOWS, Beta, betas, leader_of
from market.candles import aggregate
from market.model import TIMEFRAME_SECONDS, Candles
from tasks import app, plain, wire
from tasks.announce import request_publish
from tasks.base import MarketTask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cache import Entry, Key
    from tasks.wire import House

NO_CANDLES = "no candles yet"


@app.task(base=MarketTask, name="tasks.derive.beta", run_lock_s=30.0)  # type: ignore[untyped-decorator]
def beta(exchange: str) -> None:
    """Bring the betas of both windows up to date; a window whose candles did not change is left alone."""
    house = wire.house()
    universe = house.cache.get(UNIVERSE.key(exchange=exchange))
    symbols = plain.symbols_of(universe.value if universe else None)
    if not symbols:
        return
    measured = [derive_window(house, exchange, symbols, timeframe) for timeframe in WINDOWS]
    if any(measured):
        request_publish(house.cache)


def derive_window(house: House, exchange: str, symbols: Sequence[str], timeframe: str) -> bool:
    """Measure and store one window; False when there is nothing new to measure.

    A series past its life is left out, with its reason, so that one symbol without news does not make
    the whole late. Without news of Bitcoin itself the last figures stay as they are, and grow old.
    """
    window = Window(timeframe, source_timeframe(house.settings.timeframes, timeframe), leader_of(symbols))
    key = BETA.key(exchange=exchange, timeframe=timeframe)
    previous, keys = house.cache.get(key), window.keys(exchange, symbols)
    found = house.cache.get_many(keys.values())
    late = {symbol: found[one] for symbol, one in keys.items() if one in found and _is_late(found[one])}
    if previous is not None and window.leader in late:
        return False
    late = {symbol: entry for symbol, entry in late.items() if symbol != window.leader}
    used = {symbol: one for symbol, one in keys.items() if symbol not in late}
    made_of = _fingerprint([found.get(one) for one in used.values()])
    if previous is not None and not _is_late(previous) and previous.value["made_of"] == made_of:
        return False
    reasons = {symbol: _why_late(late[symbol]) if symbol in late else NO_CANDLES for symbol in symbols}

    def measure(batch: Mapping[Key, Mapping[Key, Entry | None]]) -> dict[Key, Value]:
        candles = {symbol: entry.value for symbol, one in used.items() if (entry := batch[key][one])}
        value, as_of = window.measured(candles, reasons)
        return {key: Value({**value, "made_of": made_of}, as_of=as_of)}

    house.cache.derive_many([key], lambda _: tuple(used.values()), measure)
    return True


def source_timeframe(configured: Sequence[str], timeframe: str) -> str | None:
    """The longest configured timeframe of which this one can be made; None without any."""
    whole_s = TIMEFRAME_SECONDS[timeframe]
    dividing = [name for name in configured if whole_s % TIMEFRAME_SECONDS[name] == 0]
    return max(dividing, key=TIMEFRAME_SECONDS.__getitem__, default=None)


@dataclass(frozen=True, slots=True)
class Window:
    """One window of an exchange: its timeframe, that of the candles it is made of, and its Bitcoin."""

    timeframe: str
    source: str | None
    leader: str | None

    def keys(self, exchange: str, symbols: Sequence[str]) -> dict[str, Key]:
        """Where the candles are; none when there is no Bitcoin to compare with."""
        source = self.source
        if source is None or self.leader is None:
            return {}
        return {symbol: CANDLES.key(exchange=exchange, symbol=symbol, timeframe=source) for symbol in symbols}

    def measured(
        self, candles: Mapping[str, Mapping[str, Any]], reasons: Mapping[str, str]
    ) -> tuple[dict[str, Any], float | None]:
        """The value to cache and what it is true as of, from plain candles by symbol.

        `reasons` has every symbol, with why it is not measured in case it has no candles.
        """
        leader, reason = self._leader(candles)
        if leader is None:
            return self._value(None, {}, reason), None
        series = {symbol: self._series(one) for symbol, one in candles.items()}
        found = betas(leader, series, bars=WINDOWS[self.timeframe])
        symbols = {symbol: found.get(symbol) or Beta(reason=why) for symbol, why in reasons.items()}
        plain_ = {symbol: one.to_plain() for symbol, one in symbols.items()}
        return self._value(leader.closed_at, plain_, None), leader.closed_at

    def _leader(self, candles: Mapping[str, Mapping[str, Any]]) -> tuple[Candles | None, str | None]:
        if self.leader is None:
            return None, f"{LEADER} is not among the symbols"
        if self.source is None:
            return None, f"{self.timeframe} cannot be made of any of the configured timeframes"
        if self.leader not in candles:
            return None, f"no candles of {self.leader} yet"
        series = self._series(candles[self.leader])
        return (series, None) if len(series) else (None, f"no whole {self.timeframe} of {self.leader} yet")

    def _series(self, plain_: Mapping[str, Any]) -> Candles:
        """Candles of the window's timeframe, no more of them than it needs."""
        candles = Candles.from_plain(plain_)
        per_bar = TIMEFRAME_SECONDS[self.timeframe] // TIMEFRAME_SECONDS[candles.timeframe]
        needed = candles.tail((WINDOWS[self.timeframe] + 2) * per_bar)
        return needed if per_bar == 1 else aggregate(needed, self.timeframe)

    def _value(
        self, as_of: float | None, symbols: Mapping[str, Mapping[str, Any]], reason: str | None
    ) -> dict[str, Any]:
        return {
            "timeframe": self.timeframe,
            "bars": WINDOWS[self.timeframe],
            "leader": self.leader,
            "as_of": as_of,
            "symbols": symbols,
            "reason": reason,
        }


def _is_late(entry: Entry) -> bool:
    return entry.state != "fresh"


def _why_late(entry: Entry) -> str:
    return f"no newer candles since {states.clock_time(entry.as_of)}"


def _fingerprint(entries: Sequence[Entry | None]) -> str:
    """Changes with whatever series is written, comes or goes."""
    versions = ",".join("-" if entry is None else f"{entry.key.text}:{entry.version}" for entry in entries)
    return blake2s(versions.encode(), digest_size=12).hexdigest()
