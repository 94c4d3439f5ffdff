"""One symbol's score with all that it was made of, as the cache holds it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2s
from typing import TYPE_CHECKING, Any

from werkzeug.routing import PathConverter

from cache import states
from cache.catalogue import CONFLUENCE, INDICATORS, TICKERS, UNIVERSE
from webapp.beta import beta_of, window_keys
from webapp.exchanges import troubles
from webapp.inputs import check
from webapp.lives import Served, lives
from webapp.problems import not_there_yet, unknown_symbol
from webapp.words import SIMULATED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cache import Entry, TieredCache
    from cache.states import State
    from webapp.exchanges import Exchanges


INTERNAL = ("fingerprint", "held_signal")
"""What a score carries for whoever makes the next one."""


class SymbolConverter(PathConverter):
    """A symbol in an address: slashes belong to it, and line breaks reach the check that refuses them."""

    regex = r"(?s:[^/].*?)"


@dataclass(frozen=True, slots=True)
class Shown:
    """All that the page of a symbol shows; the tag changes with any part of it.

    `price_late` says since when the exchange has not confirmed the price, if that is too long.
    """

    score: Mapping[str, Any]
    ticker: Mapping[str, Any] | None
    price_late: str | None
    views: Mapping[str, Mapping[str, Any]]
    etag: str


class SymbolDesk:
    """Looks scores up; raises a Problem for what is not there. `exchanges` are those in use."""

    def __init__(self, *, cache: TieredCache, clock: Callable[[], float], exchanges: Exchanges) -> None:
        self._cache = cache
        self._clock = clock
        self._exchanges = exchanges
        self._listed: dict[str, tuple[int, frozenset[str]]] = {}

    def explain(self, exchange: str, symbol: str) -> Served:
        """The score of one symbol with its state, its age and the reason for whatever is wrong."""
        check(exchange=exchange, symbol=symbol)
        universe_key = UNIVERSE.key(exchange=exchange)
        score_key = CONFLUENCE.key(exchange=exchange, symbol=symbol)
        tickers_key = TICKERS.key(exchange=exchange)
        windows = window_keys(exchange)
        found = self._cache.get_many((universe_key, score_key, tickers_key, *windows.values()))
        universe, score = found.get(universe_key), found.get(score_key)
        self._refuse_unknown(exchange, symbol, universe, score)
        if score is None:
            raise not_there_yet(f"{symbol} on {exchange} is tracked and not scored yet")
        betas = {timeframe: found.get(key) for timeframe, key in windows.items()}
        return self._explained(score, found.get(tickers_key), betas)

    def show(self, exchange: str, symbol: str) -> Shown:
        """The score with the last price and the timeframe views, as far as those are there."""
        score = self.explain(exchange, symbol)
        tickers = self._cache.get(TICKERS.key(exchange=exchange))
        ticker, price = self._priced(symbol, tickers)
        price_late = states.not_confirmed(ticker) if ticker and price != states.LIVE else None
        views = self._views(score.document)
        parts = [score.etag, "" if tickers is None else tickers.version, price_late]
        parts += [f"{frame}:{entry.version}" for frame, entry in views.items()]
        digest = blake2s("|".join(map(str, parts)).encode(), digest_size=12).hexdigest()
        return Shown(
            score=score.document,
            ticker=ticker,
            price_late=price_late,
            views={frame: entry.value for frame, entry in views.items()},
            etag=f'W/"{digest}"',
        )

    def _priced(self, symbol: str, tickers: Entry | None) -> tuple[Mapping[str, Any] | None, State]:
        """The symbol's ticker, None without one, and the state of its price."""
        price = states.of_price(tickers, symbol, now=self._clock(), ttl_s=self._cache.ttl(TICKERS))
        return None if tickers is None else tickers.value["tickers"].get(symbol), price

    def _judged(self, score: Entry, tickers: Entry | None) -> tuple[State, str | None]:
        """The state of a symbol and why it is not live: what the dashboard's row says as well."""
        exchange, symbol = score.key.params["exchange"], score.key.params["symbol"]
        ticker, price = self._priced(symbol, tickers)
        state, reasons = states.of_symbol(price, ticker, score)
        return state, states.told(reasons, self._exchanges.row(exchange) if reasons else None)

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

    def _explained(self, entry: Entry, tickers: Entry | None, betas: Mapping[str, Entry | None]) -> Served:
        now = self._clock()
        state, reason = self._judged(entry, tickers)
        symbol = entry.key.params["symbol"]
        beta = {timeframe: beta_of(window, symbol, now) for timeframe, window in betas.items()}
        document = {
            **{name: part for name, part in entry.value.items() if name not in INTERNAL},
            "components": {name: aged(part, now) for name, part in entry.value["components"].items()},
            "inputs": [_aged(each, now) for each in entry.value.get("inputs", ())],
            "beta": beta,
            "state": state,
            "reason": reason,
            "as_of": entry.as_of,
            "age_s": round(max(0.0, now - entry.as_of), 3),
            "simulated": entry.key.params["exchange"].startswith(SIMULATED),
        }
        parts = [f"{entry.version}-{state}"]
        if reason is not None:
            parts.append(blake2s(reason.encode(), digest_size=6).hexdigest())
        parts += [f"{window.version}-{beta[name]['state']}" for name, window in betas.items() if window]
        return Served(
            document=document,
            etag=f'W/"{".".join(parts)}"',
            kept=lives(
                entry,
                now,
                ttl_s=self._life_s(entry, tickers),
                marked=state == states.STALE,
                live=state == states.LIVE,
            ),
        )

    def _life_s(self, entry: Entry, tickers: Entry | None) -> float:
        """Seconds from when the score was stored for which its state holds: until the price is late, too."""
        ticker = None if tickers is None else tickers.value["tickers"].get(entry.key.params["symbol"])
        life_s = self._cache.ttl(CONFLUENCE)
        if ticker is None:
            return life_s
        late_at: float = ticker["confirmed_at"] + self._cache.ttl(TICKERS)
        return min(life_s, late_at - entry.stored_at)


def aged(component: Mapping[str, Any], now: float) -> dict[str, Any]:
    """A component whose inputs say how old they are, in seconds."""
    return {
        **component,
        "sub_scores": [
            {**each, "inputs": [_aged(one, now) for one in each["inputs"]]}
            for each in component["sub_scores"]
        ],
    }


def _aged(source: Mapping[str, Any], now: float) -> dict[str, Any]:
    as_of = source["as_of"]
    return {**source, "age_s": None if as_of is None else round(max(0.0, now - as_of), 3)}
