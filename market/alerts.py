"""When something is worth an alert: pure conditions over scores, betas, statuses and ages.

Each gives a `Sighting`, the level at which a condition stands now. What began since the last one, and
whether anybody was told, is the matter of whoever keeps them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from market.errors import Banned, ExchangeUnavailable
from market.signals import HYSTERESIS

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["score", "return", "volume", "beta_divergence", "unreachable", "stale"]
Severity = Literal["info", "warning", "critical"]

DIVERGENCE_Z = 2.5
UNREACHABLE_FOR_S = 15.0
"""Seconds of no answer before it is told: one call that failed is none."""
STALE_EXCHANGE_FOR_S, STALE_SYMBOL_FOR_S = 30.0, 60.0
FEW_SYMBOLS, FEW_SHARE = 3, 0.05
"""More stale symbols than either: that is the exchange."""
MOST_NAMED = 10
CALM = ""
NEWS_FOR_S = 900.0
"""What a sighting was made of may be so old, in seconds, when it is told as something that begins now."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One condition of one exchange or symbol: its level, a word, empty while there is nothing to tell.

    `mark` orders the sightings of one condition (0: the last one counts). `stands` is a level that goes
    on although it would not begin now. A level is told once it has lasted `hold_s` seconds. `past`: there
    is a newer sighting of the same condition. `old`: a level that begins with it is no news any more.
    """

    kind: Kind
    exchange: str
    symbol: str | None
    level: str = CALM
    mark: float = 0.0
    stands: str = CALM
    hold_s: float = 0.0
    past: bool = False
    old: bool = False
    severity: Severity = "info"
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


def is_old(as_of: float, now: float) -> bool:
    """Whether what was true at `as_of` (both in Unix seconds) is too long ago to be told as news."""
    return now - as_of > NEWS_FOR_S


def of_score(
    exchange: str, symbol: str, score: float | None, *, mark: float, high: float, low: float
) -> Sighting | None:
    """Whether a score (0 to 100) stands at or above `high`, or at or below `low`; None without a score.

    Each level is left only `HYSTERESIS` points inside its threshold, as a signal is.
    """
    if score is None or not math.isfinite(score):
        return None
    stands = "high" if score >= high - HYSTERESIS else "low" if score <= low + HYSTERESIS else CALM
    if low < score < high:
        return Sighting("score", exchange, symbol, mark=mark, stands=stands)
    up = score >= high
    threshold = high if up else low
    return Sighting(
        "score",
        exchange,
        symbol,
        level=stands,
        mark=mark,
        text=f"score {score:.1f}, {'up' if up else 'down'} through {threshold:g}",
        data={"score": score, "threshold": threshold},
    )


def of_beta(exchange: str, symbol: str, row: Mapping[str, Any], *, mark: float) -> Sighting | None:
    """Whether a return departs from beta times Bitcoin's by `DIVERGENCE_Z` deviations; None where unknown.

    `row` is one symbol's of the cached betas: `divergence_z`, and the least-squares fit as `ols`.
    """
    z = row["divergence_z"]
    if z is None or not math.isfinite(z):
        return None
    if abs(z) < DIVERGENCE_Z:
        return Sighting("beta_divergence", exchange, symbol, mark=mark)
    fit = row.get("ols")
    return Sighting(
        "beta_divergence",
        exchange,
        symbol,
        level="up" if z > 0 else "down",
        mark=mark,
        text=f"moved {abs(z):.1f} standard deviations {'above' if z > 0 else 'below'} its beta to Bitcoin",
        data={"z": z, "threshold": DIVERGENCE_Z, "beta": fit["beta"] if fit else None},
    )


def of_statuses(exchange: str, sources: Mapping[str, Mapping[str, Any]]) -> Sighting | None:
    """Whether an exchange cannot be reached, by the status of its prices; None while nobody knows.

    Before there are prices the list of its symbols speaks for it. Trouble of other calls shows in what
    becomes stale.
    """
    source = next((name for name in ("tickers", "universe") if name in sources), None)
    if source is None:
        return None
    status = sources[source]
    if status["state"] not in {ExchangeUnavailable.word, Banned.word}:
        return Sighting("unreachable", exchange, None, hold_s=UNREACHABLE_FOR_S)
    return Sighting(
        "unreachable",
        exchange,
        None,
        level="down",
        hold_s=UNREACHABLE_FOR_S,
        severity="critical",
        text=f"{exchange} {'refuses us' if status['state'] == Banned.word else 'is unreachable'}"
        f" ({source}: {status['reason']})",
        data={
            "state": status["state"],
            "source": source,
            "since": status["since"],
            "retry_at": status["retry_at"],
        },
    )


@dataclass(frozen=True, slots=True)
class Age:
    """How old one symbol's data is: what is late of it, and the oldest of that in Unix seconds."""

    late: tuple[str, ...] = ()
    since: float | None = None


def age_of(
    *,
    price_at: float | None,
    scored_at: float | None,
    late_inputs: tuple[str, ...],
    now: float,
    price_life_s: float,
    score_life_s: float,
) -> Age | None:
    """What of a symbol is late: its price after `price_life_s`, its score after twice `score_life_s`.

    `late_inputs` are the inputs that the score calls stale; candles and the order book count, since
    others come from few exchanges and seldom. None for a symbol that has neither price nor score yet.
    """
    if price_at is None and scored_at is None:
        return None
    late, since = [], []
    if price_at is not None and now - price_at > price_life_s:
        late.append("price")
        since.append(price_at)
    if scored_at is not None and now - scored_at > 2 * score_life_s:
        late.append("score")
        since.append(scored_at)
    late += [name for name in late_inputs if name.startswith(("candles", "order_book"))]
    return Age(tuple(late), min(since, default=None))


def of_ages(exchange: str, ages: Mapping[str, Age], *, reachable: bool) -> list[Sighting]:
    """Which symbols' data is stale or, when those are many, that the exchange's is: one alert, not many.

    While the exchange is not `reachable` there is nothing to add to that.
    """
    stale = [symbol for symbol, age in ages.items() if age.late]
    many = _many(len(stale), len(ages))
    singly = frozenset(stale if reachable and not many else ())
    return [
        _stale_exchange(exchange, stale if reachable and many else [], len(ages)),
        *(_stale_symbol(exchange, symbol, age, told=symbol in singly) for symbol, age in ages.items()),
    ]


def _many(stale: int, symbols: int) -> bool:
    return stale > max(FEW_SYMBOLS, FEW_SHARE * symbols) or stale == symbols > 1


def _stale_exchange(exchange: str, stale: list[str], symbols: int) -> Sighting:
    if not stale:
        return Sighting("stale", exchange, None, hold_s=STALE_EXCHANGE_FOR_S)
    return Sighting(
        "stale",
        exchange,
        None,
        level="stale",
        hold_s=STALE_EXCHANGE_FOR_S,
        severity="critical",
        text=f"{len(stale)} of {symbols} symbols of {exchange} have stale data",
        data={"stale": len(stale), "symbols": symbols, "some": stale[:MOST_NAMED]},
    )


def _stale_symbol(exchange: str, symbol: str, age: Age, *, told: bool) -> Sighting:
    if not told:
        return Sighting("stale", exchange, symbol, hold_s=STALE_SYMBOL_FOR_S)
    return Sighting(
        "stale",
        exchange,
        symbol,
        level="stale",
        hold_s=STALE_SYMBOL_FOR_S,
        severity="warning",
        text=f"stale data: {', '.join(age.late)}",
        data={"late": list(age.late), "since": age.since},
    )
