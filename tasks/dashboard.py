"""The dashboard's document, built from cached values: pure, so that a test can hold every field."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from cache import states
from market.movers import movers
from market.overview import overview
from tasks import sections
from tasks.rows import overall_state, symbol_row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cache import Entry
    from market.model import Candles

SCHEMA = 1
MOBILE_SYMBOLS = 20
MOBILE_FIELDS = (
    "exchange", "symbol", "price", "price_as_of", "price_state",
    "change_24h", "score", "band", "signal", "confidence",
    "as_of", "age_s", "state", "reason",
)  # fmt: skip
VOLATILE = ("generated_at", "age_s")


@dataclass(frozen=True, slots=True)
class ExchangeInputs:
    """What is cached of one exchange; `status` is its line of the dashboard, `betas` go by timeframe.

    `carries` is how many of the symbols its rate keeps up to date, None when that is all of them.
    """

    status: Mapping[str, Any]
    symbols: Sequence[str]
    tickers: Entry | None = None
    scores: Mapping[str, Entry] = field(default_factory=dict)
    sparks: Mapping[str, Sequence[float]] = field(default_factory=dict)
    betas: Mapping[str, Entry | None] = field(default_factory=dict)
    carries: int | None = None


def document(
    exchanges: Sequence[ExchangeInputs],
    *,
    now: float,
    simulated: bool,
    hourly_btc: Candles | None,
    turnover_floor: float,
    price_ttl_s: float,
    alerts: Entry | None = None,
) -> dict[str, Any]:
    """The whole dashboard; numbers are finite or None, and what is None has its reason beside it."""
    rows = [
        symbol_row(
            exchange=one.status,
            symbol=symbol,
            tickers=one.tickers,
            score=one.scores.get(symbol),
            spark=one.sparks.get(symbol, ()),
            now=now,
            price_ttl_s=price_ttl_s,
        )
        for one in exchanges
        for symbol in one.symbols
    ]
    as_of = min((row["as_of"] for row in rows if row["as_of"] is not None), default=None)
    state = overall_state(rows)
    beta = sections.beta_section({one.status["id"]: one.betas for one in exchanges})
    newest_alerts = sections.alerts_section(alerts)
    return {
        "schema": SCHEMA,
        "generated_at": round(now, 3),
        "as_of": as_of,
        "age_s": None if as_of is None else round(max(0.0, now - as_of), 3),
        "state": state,
        "reason": _reason(state, rows, exchanges),
        "simulated": simulated,
        "exchanges": [dict(one.status) for one in exchanges],
        "overview": overview(rows, hourly_btc=hourly_btc, now=now),
        "symbols": rows,
        "movers": movers(rows, turnover_floor=turnover_floor),
        "alerts": newest_alerts,
        "beta": beta,
        "missing": sections.missing(beta, newest_alerts),
        "late": sections.late(alerts),
    }


def mobile(whole: Mapping[str, Any]) -> dict[str, Any]:
    """The 20 symbols of all exchanges that are traded most, with the fields that fit a telephone."""
    by_turnover = sorted(whole["symbols"], key=lambda row: row["turnover_24h"] or 0.0, reverse=True)
    shown = by_turnover[:MOBILE_SYMBOLS]
    return {
        **whole,
        "symbols": [{name: row[name] for name in MOBILE_FIELDS} for row in shown],
        "beta": sections.beta_of(whole["beta"], {(row["exchange"], row["symbol"]) for row in shown}),
    }


def is_complete(whole: Mapping[str, Any]) -> bool:
    """Whether there are symbols and each of them has a score."""
    return bool(whole["symbols"]) and all(row["score"] is not None for row in whole["symbols"])


def published(
    view: Mapping[str, Any], *, complete: bool, previous: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The value to cache: the encoded body and its ETag.

    A document that says nothing new keeps its old bytes, so that a browser's 304 stays one; its
    ages count from its own `generated_at`.
    """
    etag = f'"{_digest(view)}"'
    if previous is not None and previous["etag"] == etag:
        return {**previous, "complete": complete}
    body = msgspec.json.encode(view)
    return {"body": body, "etag": etag, "content_type": "application/json", "complete": complete}


def _digest(view: Mapping[str, Any]) -> str:
    steady = {name: part for name, part in view.items() if name not in VOLATILE}
    steady["symbols"] = [
        {name: part for name, part in row.items() if name not in VOLATILE} for row in view["symbols"]
    ]
    return sha256(msgspec.json.encode(steady)).hexdigest()[:32]


def _reason(state: str, rows: Sequence[Mapping[str, Any]], exchanges: Sequence[ExchangeInputs]) -> str | None:
    if state == states.LIVE:
        return None
    late = sum(row["state"] != states.LIVE for row in rows)
    troubles = [f"{one.status['id']}: {trouble}" for one in exchanges for trouble in _troubles(one)]
    return "; ".join([f"{late} of {len(rows)} symbols are not live", *troubles])


def _troubles(exchange: ExchangeInputs) -> Iterator[str]:
    if exchange.status["reason"]:
        yield exchange.status["reason"]
    if exchange.carries is not None:
        yield f"its rate keeps {exchange.carries} of {len(exchange.symbols)} symbols up to date"
