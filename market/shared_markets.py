"""The markets of one exchange, loaded once for all threads, and handed from process to process."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any

import structlog

from market.errors import BadAnswer, FewerMarkets
from market.plain_markets import fingerprint, plain_markets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

log = structlog.get_logger(__name__)

INTERVALS_FOR_S = 3600.0


class SharedMarkets:
    """The markets of one exchange, loaded once and given to the client of every thread.

    A client with its own copy takes 8 MB, one that shares them 0.1 MB.
    """

    def __init__(self, exchange: str) -> None:
        self._exchange = exchange
        self._lock = threading.Lock()
        self._source: Any | None = None
        self._as_of = -math.inf
        self._offered: Sequence[Mapping[str, Any]] | None = None
        self._failures = 0
        self._failure: Exception | None = None
        self._intervals_lock = threading.Lock()
        self._intervals: Mapping[str, float] = {}
        self._intervals_at = -math.inf
        self._asked_for: frozenset[str] = frozenset()

    @property
    def as_of(self) -> float | None:
        """Unix time of the list that is known here, loaded or adopted; None without one."""
        return self._as_of if math.isfinite(self._as_of) else None

    def plain(self) -> list[dict[str, Any]]:
        """The tracked markets as JSON or msgpack can carry them, for `adopt`; empty when none are known."""
        source = self._source
        return [] if source is None else plain_markets(source.markets)

    def adopt(self, plain: Sequence[Mapping[str, Any]], *, as_of: float) -> None:
        """Take what another process has loaded at the Unix time `as_of`, unless it is empty or no newer.

        Nothing is asked: every client has it from its next `fit` on.
        """
        with self._lock:
            if plain and as_of > self._as_of:
                self._offered, self._as_of = plain, as_of

    def fit(self, client: Any, *, now: float = 0.0) -> None:
        """See that the client has the current markets; the first of all clients loads them, at `now`."""
        if self._offered is not None:
            self._take_offer(client)
        if self._source is None:
            self._load_first(client, now)
        if client.markets is not self._source.markets:  # type: ignore[union-attr]
            # Not while a thread is setting them: half of them would be old, and would stay so.
            with self._lock:
                client.set_markets_from_exchange(self._source)

    def reload(self, client: Any, *, now: float = 0.0, believed: str | None = None) -> None:
        """Load the markets anew through this client; the others take them at their next `fit`.

        Raise `BadAnswer`, and keep what there is, for no markets to track. Raise `FewerMarkets` likewise when
        more than half of the tracked ones would be gone, as they are when an exchange leaves its perpetuals
        out and the spot markets would take their place; not for the list that is `believed` all the same.
        """
        markets = client.fetch_markets()
        with self._lock:
            # What another process has offered counts as well, taken by a client or not.
            known = self.plain() if self._offered is None else self._offered
            found = plain_markets({market["symbol"]: market for market in markets})
            self._weigh(found, known, believed)
            client.set_markets(markets)
            self._source, self._offered, self._as_of = client, None, max(now, self._as_of)

    def intervals(
        self, symbols: Iterable[str], *, now: float, load: Callable[[], dict[str, float]]
    ) -> Mapping[str, float]:
        """Hours between the settlements of each symbol; loaded anew after an hour, or for a new symbol.

        Whatever `load` raises is raised, and the next call tries again.
        """
        with self._intervals_lock:
            is_young = 0 <= now - self._intervals_at < INTERVALS_FOR_S
            if not is_young or not self._asked_for.issuperset(symbols):
                self._intervals, self._asked_for = load(), frozenset(symbols)
                self._intervals_at = now
            return self._intervals

    def _weigh(
        self, found: Sequence[Mapping[str, Any]], known: Sequence[Mapping[str, Any]], believed: str | None
    ) -> None:
        """Raise unless a list that was found may follow the one that is known."""
        kept = len(found) if not known else sum(one["type"] == known[0]["type"] for one in found)
        reason = f"{kept} markets to track where {len(known)} were known"
        if not found:
            raise BadAnswer(self._exchange, reason)
        if kept and kept >= len(known) / 2:
            return
        if known[0]["type"] == "spot" and found[0]["type"] == "swap":
            return  # perpetuals are what is tracked wherever there are any: they are back
        listed = fingerprint(found)
        if listed != believed:
            raise FewerMarkets(self._exchange, reason, listed=listed)
        log.warning("markets_believed", exchange=self._exchange, markets=len(found), known=len(known))

    def _take_offer(self, client: Any) -> None:
        with self._lock:
            if self._offered is not None:
                client.set_markets([dict(market) for market in self._offered])
                self._source, self._offered = client, None

    def _load_first(self, client: Any, now: float) -> None:
        failures_before = self._failures
        with self._lock:
            if self._source is not None:
                return
            # Whoever waited for an attempt shares its failure: ten threads that try one after the
            # other would hang for ten time-outs.
            if self._failure is not None and self._failures > failures_before:
                raise self._failure
            try:
                self._load(client)
            except Exception as exc:
                self._failures, self._failure = self._failures + 1, exc
                raise
            self._source, self._failure, self._as_of = client, None, max(now, self._as_of)

    def _load(self, client: Any) -> None:
        client.load_markets()
        if not client.markets:
            raise BadAnswer(self._exchange, "no markets")
