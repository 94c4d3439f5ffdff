"""What the settings must keep to: lifetimes, periods, weights, exchanges that exist, folders that play."""

from __future__ import annotations

import difflib
import importlib.util
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SIMULATED = "simulated"
MOST_SIMULATED = 9
MOST_FETCHERS = 9
# market/limiter.py has the windows; so many of the calls that one allows are left free.
COUNTS_IN_A_WINDOW = ("bybit", SIMULATED)
SPARE_IN_A_WINDOW = 12
# Nothing may outlive what it is made of; the names are those of the cache's kinds.
DERIVED_FROM = {
    "breadth": ("tickers",),
    "indicators": ("candles",),
    "confluence": (
        "indicators", "order_book", "trades", "open_interest", "funding", "long_short", "breadth",
    ),
    "beta": ("candles",),
    "dashboard": ("confluence", "tickers", "exchange_status", "beta", "alerts"),
}  # fmt: skip
# By whose period each kind is stored again.
RENEWED_BY = {
    "universe": ("universe",),
    "markets": ("universe",),
    "exchange_status": (
        "universe", "tickers", "order_books", "trades", "open_interest", "funding", "long_short",
    ),
    "tickers": ("tickers",),
    "breadth": ("tickers",),
    "order_book": ("order_books",),
    "trades": ("trades",),
    "open_interest": ("open_interest",),
    "funding": ("funding",),
    "long_short": ("long_short",),
    "confluence": ("scores",),
    "alerts": ("alerts",),
    "dashboard": ("dashboard",),
}  # fmt: skip
# What is renewed as candles close, and lives from one close to the next. A view of one minute is fresh for
# 22.5 s after the next close, and its candle is asked for up to 15 s after that; a beta has two minutes.
LOOKS_IN_A_TIMEFRAME, LONGEST_PERIOD_CANDLES_S = 12, 15.0
LONGEST_PERIOD_BETA_S = 60.0
LEAST_BETWEEN_THRESHOLDS = 10.0
LEFT_TO_OTHERS = 2  # of a fetcher's threads
_RECORDING = re.compile(r"candles-(\d{1,4})([mhd])\.csv(\.gz)?")
_MINUTES = {"m": 1, "h": 60, "d": 1440}


def known_exchanges() -> frozenset[str]:
    """The ids of ccxt's exchanges, from its files alone: importing it takes a second and 80 MB."""
    found = importlib.util.find_spec("ccxt")
    if found is None or found.origin is None:
        return frozenset()
    files = Path(found.origin).parent.glob("*.py")
    return frozenset(file.stem for file in files if not file.stem.startswith("_"))


def simulated_id(number: int) -> str:
    """The exchange id of the simulated exchange of that number: `simulated`, `simulated2`, ..."""
    return SIMULATED if number == 1 else f"{SIMULATED}{number}"


SIMULATED_NUMBERS = {simulated_id(number): number for number in range(1, MOST_SIMULATED + 1)}
"""The ids of all simulated exchanges that there can be, each with its number."""


def exchanges_problem(names: tuple[str, ...]) -> str | None:
    """Why these ids cannot be followed, and which one was likely meant; None when they can."""
    if not names or any(not name.isidentifier() for name in names):
        return "want exchange ids as ccxt spells them, separated by commas, or 'simulated'"
    known = [SIMULATED, *sorted(known_exchanges())]
    for name in names:
        if name not in known and name not in SIMULATED_NUMBERS:
            near = difflib.get_close_matches(name.lower(), known, n=1)
            meant = f"; is {near[0]!r} meant?" if near else ""
            return f"want exchange ids as ccxt spells them, not {name!r}{meant}"
    simulated = [name in SIMULATED_NUMBERS for name in names]
    if any(simulated) and not all(simulated):
        return "want real or simulated exchanges, not both: every page would call real numbers simulated"
    return None


def lifetime_problems(lifetimes: Mapping[str, float]) -> list[str]:
    """A sentence for each kind that would outlive one that it is made of."""
    lines = []
    for kind, parents in DERIVED_FROM.items():
        shortest = min(parents, key=lifetimes.__getitem__)
        if lifetimes[kind] > lifetimes[shortest]:
            child, parent = f"TTL_{kind.upper()}", f"TTL_{shortest.upper()}"
            lines.append(
                f"{child}: got {lifetimes[kind]:g} beside {parent}={lifetimes[shortest]:g}; "
                f"want {child} <= {parent}, since the one is made of the other"
            )
    return lines


def period_problems(
    periods: Mapping[str, float], lifetimes: Mapping[str, float], *, shortest_timeframe_s: float
) -> list[str]:
    """A sentence for each kind that would be late all the time, or as soon as one run is lost.

    Twice in its life each kind has to be renewed: a periodic task must bear one lost run.
    """
    lines = []
    for kind, renewing in RENEWED_BY.items():
        slowest = max(renewing, key=periods.__getitem__)
        period, ttl = periods[slowest], lifetimes[kind]
        if period > ttl / 2:
            name, life = f"PERIOD_{slowest.upper()}", f"TTL_{kind.upper()}"
            lines.append(
                f"{name}: got {period:g} beside {life}={ttl:g}; want {name} <= {ttl / 2:g} or "
                f"{life} >= {2 * period:g}, so that one lost run makes nothing late"
            )
    most = {
        "candles": min(shortest_timeframe_s / LOOKS_IN_A_TIMEFRAME, LONGEST_PERIOD_CANDLES_S),
        "beta": LONGEST_PERIOD_BETA_S,
    }
    why = {
        "candles": f"a {LOOKS_IN_A_TIMEFRAME}th of the shortest of TIMEFRAMES and never above "
        f"{LONGEST_PERIOD_CANDLES_S:g}: else candles are late after each close",
        "beta": "else betas are late after each close",
    }
    lines += [
        f"PERIOD_{name.upper()}: got {periods[name]:g}; want at most {limit:g}, {why[name]}"
        for name, limit in most.items()
        if periods[name] > limit
    ]
    return lines


def thresholds_problem(low: float, high: float) -> str | None:
    """Why alerts cannot be raised at these scores; None when they can. Each is left 5 points inside it."""
    if high - low > LEAST_BETWEEN_THRESHOLDS:
        return None
    return (
        f"ALERT_SCORE_LOW: got {low:g} beside ALERT_SCORE_HIGH={high:g}; "
        f"want more than {LEAST_BETWEEN_THRESHOLDS:g} points between them"
    )


def threads_for_one(threads: int, exchanges: int) -> int:
    """How many threads of a fetcher may ask the same exchange at once.

    With one exchange alone all. While all but one hang, that one still has what is left to it.
    """
    return threads if exchanges == 1 else max(1, (threads - LEFT_TO_OTHERS) // (exchanges - 1))


def fetchers_warning(exchanges: tuple[str, ...], *, processes: int, threads: int) -> str | None:
    """A line when an exchange may get more calls in a window than it allows; None when it cannot.

    As many as are under way may arrive closer together than they were sent.
    """
    together = processes * threads_for_one(threads, len(exchanges))
    counting = [name for name in exchanges if name in COUNTS_IN_A_WINDOW or name in SIMULATED_NUMBERS]
    if not counting or together <= SPARE_IN_A_WINDOW:
        return None
    each, others = SPARE_IN_A_WINDOW // processes, len(exchanges) - 1
    fitting = each if not others else (each + 1) * others - 1 + LEFT_TO_OTHERS
    return (
        f"FETCH_THREADS={threads} with FETCHER_PROCESSES={processes}: {together} calls at once to "
        f"{' and '.join(counting)}; set FETCH_THREADS to {fitting} or less for at most {SPARE_IN_A_WINDOW}, "
        f"or some can be refused"
    )


def split_weights(value: Any) -> Any:
    """The numbers by name of a text of name=number pairs; anything else as it is. Raises ValueError."""
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    if any(not equals for _, equals, _ in pairs):
        raise ValueError("want name=number pairs, separated by commas")
    return {name.strip(): number.strip() for name, _, number in pairs}


def checked_weights(weights: dict[str, float], known: tuple[str, ...]) -> dict[str, float]:
    """A copy of the weights; raises ValueError for unknown names and for numbers that cannot weigh."""
    unknown = [name for name in weights if name not in known]
    if unknown:
        raise ValueError(f"does not know {', '.join(unknown)}; want some of {', '.join(known)}")
    # Shares of an endless sum would all be 0, and every score 50.
    if any(weight < 0 for weight in weights.values()) or not 0 < sum(weights.values()) < math.inf:
        raise ValueError("want finite weights of at least 0 with a positive sum")
    return dict(weights)


def recordings_problem(folder: Path) -> str | None:
    """Why the simulator cannot play that folder, as far as names tell; None when it can."""
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError as error:
        return f"want a folder that can be read ({error.strerror})"
    if not any(_playable(name) for name in names):
        return "want a folder with a file named like candles-1m.csv.gz or candles-5m.csv"
    return None


def _playable(name: str) -> bool:
    found = _RECORDING.fullmatch(name)
    minutes = int(found[1]) * _MINUTES[found[2]] if found else 0
    return minutes > 0 and _MINUTES["d"] % minutes == 0
