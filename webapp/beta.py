"""How the symbols of an exchange move with Bitcoin, as the cache holds it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2s
from typing import TYPE_CHECKING, Any

from cache import states
from cache.catalogue import BETA
from webapp.exchanges import troubles
from webapp.inputs import check
from webapp.lives import Served, lives
from webapp.problems import bad_input, not_there_yet, unknown_exchange
from webapp.words import BETA_WINDOWS, NOT_MEASURED, SIMULATED, utc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cache import Entry, Key, TieredCache
    from webapp.exchanges import Exchanges

DEFAULT_WINDOW = next(iter(BETA_WINDOWS))
OURS = "made_of"  # what the task keeps to know its inputs by
NO_FIGURES: dict[str, Any] = {"ols": None, "ewma": None, "divergence_z": None, "as_of": None}


@dataclass(frozen=True, slots=True)
class Both:
    """All that the page of betas shows: windows by timeframe, None for one that is not measured yet."""

    exchange: str
    windows: Mapping[str, dict[str, Any] | None]
    etag: str


class BetaDesk:
    """Looks betas up; raises a Problem for what is not there. `exchanges` are those in use."""

    def __init__(self, *, cache: TieredCache, clock: Callable[[], float], exchanges: Exchanges) -> None:
        self._cache = cache
        self._clock = clock
        self._exchanges = exchanges

    def window(self, exchange: str | None, timeframe: str) -> Served:
        """All symbols of an exchange over one window; of the first exchange when none is named."""
        if timeframe not in BETA_WINDOWS:
            raise bad_input("timeframe", f"want {' or '.join(BETA_WINDOWS)}")
        chosen = self.exchange(exchange)
        entry = self._cache.get(BETA.key(exchange=chosen, timeframe=timeframe))
        if entry is None:
            rows = [row for row in self._exchanges.rows() if row["id"] == chosen]
            detail = f"the betas of {chosen} over {timeframe} are {NOT_MEASURED}; {troubles(rows)}"
            raise not_there_yet(detail.rstrip("; "), exchanges=rows)
        return self._served(entry)

    def both(self, exchange: str | None) -> Both:
        """Both windows of an exchange; of the first exchange when none is named."""
        chosen = self.exchange(exchange)
        keys = window_keys(chosen)
        found = self._cache.get_many(keys.values())
        served = {name: self._served(found[key]) for name, key in keys.items() if key in found}
        tags = "|".join((chosen, *(f"{name}:{one.etag}" for name, one in served.items())))
        return Both(
            exchange=chosen,
            windows={name: served[name].document if name in served else None for name in keys},
            etag=f'W/"{blake2s(tags.encode(), digest_size=12).hexdigest()}"',
        )

    def exchange(self, named: str | None) -> str:
        """The exchange that is meant; raises the Problem for one that is not in use."""
        chosen = next(iter(self._exchanges.ids), "") if named is None else named
        check(exchange=chosen)
        if chosen not in self._exchanges.ids:
            raise unknown_exchange(chosen)
        return chosen

    def _served(self, entry: Entry) -> Served:
        now = self._clock()
        state, reason = judged(entry, now)
        exchange = entry.key.params["exchange"]
        as_of = entry.value["as_of"]
        document = {
            "exchange": exchange,
            **{name: part for name, part in entry.value.items() if name != OURS},
            "state": state,
            "reason": reason,
            "age_s": None if as_of is None else round(max(0.0, now - as_of), 3),
            "simulated": exchange.startswith(SIMULATED),
        }
        return Served(
            document=document,
            etag=f'W/"{entry.version}-{state}"',
            kept=lives(entry, now, ttl_s=self._cache.ttl(BETA), marked=state == states.STALE),
        )


def window_keys(exchange: str) -> dict[str, Key]:
    """Where the windows of an exchange are, by timeframe."""
    return {timeframe: BETA.key(exchange=exchange, timeframe=timeframe) for timeframe in BETA_WINDOWS}


def beta_of(entry: Entry | None, symbol: str, now: float) -> dict[str, Any]:
    """One symbol's figures over one window, with their state; what is None has its reason."""
    if entry is None:
        return {**NO_FIGURES, "bars": None, "leader": None, "state": states.EMPTY, "reason": NOT_MEASURED}
    state, reason = judged(entry, now)
    figures: Mapping[str, Any] | None = entry.value["symbols"].get(symbol)
    if figures is None:
        figures = {**NO_FIGURES, "reason": None if reason else NOT_MEASURED}
    return {
        **figures,
        "bars": entry.value["bars"],
        "leader": entry.value["leader"],
        "state": state if figures["ols"] is not None else states.EMPTY,
        "reason": "; ".join(filter(None, (reason, figures["reason"]))) or None,
    }


def judged(entry: Entry, now: float) -> tuple[states.State, str | None]:
    """The state of a window and why it is not live."""
    if entry.value["reason"] is not None:
        return states.EMPTY, entry.value["reason"]
    if now < entry.fresh_until:
        return states.LIVE, None
    return states.STALE, f"not measured since {utc(entry.stored_at)}"
