"""One symbol's score with all that it was made of, as the cache holds it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from hashlib import blake2s
from typing import TYPE_CHECKING, Any

from werkzeug.routing import PathConverter

from cache import states
from cache.catalogue import CONFLUENCE, INDICATORS, TICKERS, UNIVERSE
from webapp.exchanges import troubles
from webapp.lives import lives
from webapp.problems import bad_input, not_there_yet, unknown_symbol
from webapp.words import SIMULATED, utc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cache import Entry, TieredCache
    from cache.states import State
    from webapp.exchanges import Exchanges

LONGEST = {"exchange": 40, "symbol": 80}
CONTROLS = ("Cc", "Cs")


class SymbolConverter(PathConverter):
    """A symbol in an address: slashes belong to it, and line breaks reach the check that refuses them."""

    regex = r"(?s:[^/].*?)"


@dataclass(frozen=True, slots=True)
class Explained:
    """A score as it is served: the document, its tag, and how long it may be kept."""

    document: dict[str, Any]
    etag: str
    kept: tuple[tuple[str, str], ...]

    def headers(self) -> dict[str, str]:
        """Validators and lifetimes."""
        return {"ETag": self.etag, **dict(self.kept)}


@dataclass(frozen=True, slots=True)
class Shown:
    """All that the page of a symbol shows; the tag changes with any part of it."""

    score: Mapping[str, Any]
    ticker: Mapping[str, Any] | None
    views: Mapping[str, Mapping[str, Any]]
    etag: str


class SymbolDesk:
    """Looks scores up; raises a Problem for what is not there. `exchanges` are those in use."""

    def __init__(self, *, cache: TieredCache, clock: Callable[[], float], exchanges: Exchanges) -> None:
        self._cache = cache
        self._clock = clock
        self._exchanges = exchanges
        self._listed: dict[str, tuple[int, frozenset[str]]] = {}

    def explain(self, exchange: str, symbol: str) -> Explained:
        """The score of one symbol with its state, its age and the reason for whatever is wrong."""
        check(exchange=exchange, symbol=symbol)
        universe_key = UNIVERSE.key(exchange=exchange)
        score_key = CONFLUENCE.key(exchange=exchange, symbol=symbol)
        found = self._cache.get_many((universe_key, score_key))
        universe, score = found.get(universe_key), found.get(score_key)
        self._refuse_unknown(exchange, symbol, universe, score)
        if score is None:
            raise not_there_yet(f"{symbol} on {exchange} is tracked and not scored yet")
        return self._explained(score)

    def show(self, exchange: str, symbol: str) -> Shown:
        """The score with the last price and the timeframe views, as far as those are there."""
        score = self.explain(exchange, symbol)
        ticker = self._cache.get(TICKERS.key(exchange=exchange))
        views = self._views(score.document)
        parts = [score.etag, "" if ticker is None else ticker.version]
        parts += [f"{frame}:{entry.version}" for frame, entry in views.items()]
        digest = blake2s("|".join(map(str, parts)).encode(), digest_size=12).hexdigest()
        return Shown(
            score=score.document,
            ticker=None if ticker is None else ticker.value["tickers"].get(symbol),
            views={frame: entry.value for frame, entry in views.items()},
            etag=f'W/"{digest}"',
        )

    def _views(self, score: Mapping[str, Any]) -> dict[str, Entry]:
        frames = dict.fromkeys(
            frame
            for part in score["components"].values()
            for sub_score in part["sub_scores"]
            for frame in sub_score["timeframes"] or ()
        )
        keys = {
            frame: INDICATORS.key(exchange=score["exchange"], symbol=score["symbol"], timeframe=frame)
            for frame in frames
        }
        found = self._cache.get_many(keys.values())
        return {frame: found[key] for frame, key in keys.items() if key in found}

    def _refuse_unknown(
        self, exchange: str, symbol: str, universe: Entry | None, score: Entry | None
    ) -> None:
        if universe is not None:
            if symbol not in self._symbols(exchange, universe):
                raise unknown_symbol(exchange, symbol, f"{exchange} does not list {symbol} among the tracked")
            return
        if score is not None:
            return  # the list was lost, the score was not
        if exchange not in self._exchanges.ids:
            raise unknown_symbol(exchange, symbol, f"{exchange} is none of the exchanges in use")
        rows = [row for row in self._exchanges.rows() if row["id"] == exchange]
        detail = f"what {exchange} lists is not known yet; {troubles(rows)}".rstrip("; ")
        raise not_there_yet(detail, exchanges=rows)

    def _symbols(self, exchange: str, universe: Entry) -> frozenset[str]:
        known = self._listed.get(exchange)
        if known is None or known[0] != universe.version:
            names = frozenset(row["symbol"] for row in universe.value["instruments"])
            known = self._listed[exchange] = (universe.version, names)
        return known[1]

    def _explained(self, entry: Entry) -> Explained:
        now = self._clock()
        state, reason = judged(entry, now)
        document = {
            **entry.value,
            "state": state,
            "reason": reason,
            "as_of": entry.as_of,
            "age_s": round(max(0.0, now - entry.as_of), 3),
            "simulated": entry.key.params["exchange"] == SIMULATED,
        }
        return Explained(
            document=document,
            etag=f'W/"{entry.version}-{state}"',
            kept=lives(entry, now, ttl_s=self._cache.ttl(CONFLUENCE), marked=state == states.STALE),
        )


def judged(entry: Entry, now: float) -> tuple[State, str | None]:
    """The state of a score and why it is not live."""
    value = entry.value
    if value["score"] is None:
        return states.EMPTY, "; ".join(gap["reason"] for gap in value["missing"]) or "no input is usable"
    if now < entry.fresh_until:
        return states.LIVE, None
    late = value.get("stale")
    if late:
        return states.STALE, f"inputs are late: {', '.join(late)}"
    return states.STALE, f"not scored since {utc(entry.stored_at)}"


def check(**parts: str) -> None:
    """Refuse names that no exchange could have; raises the Problem that names the part."""
    for name, value in parts.items():
        if len(value) > LONGEST[name]:
            raise bad_input(name, f"is longer than {LONGEST[name]} characters")
        if any(
            unicodedata.category(letter) in CONTROLS or letter == "\N{REPLACEMENT CHARACTER}"
            for letter in value
        ):
            raise bad_input(name, "holds a control character or is not valid UTF-8")
