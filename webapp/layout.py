"""What the templates are told beside the numbers: columns, blank rows, and sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from cache import states
from webapp.beta_table import FIGURES
from webapp.words import BETA_WINDOWS, COMPONENTS, SEVERITY_TONES, SIMULATED, utc

if TYPE_CHECKING:
    from collections.abc import Mapping


class Column(NamedTuple):
    """One column of the table; `key` is what it is sorted by, empty where it is not."""

    key: str
    label: str
    css: str = "n"
    hint: str = ""


COLUMNS = (
    Column("symbol", "Symbol", "symbol"),
    Column("price", "Price"),
    Column("change_24h", "24 h"),
    Column("turnover_24h", "Turnover", hint="over 24 hours, in quote units"),
    Column("", "Trend", "spark", "the last closes"),
    Column("score", "Score", "score", "0 to 100, 50 is neutral"),
    Column("signal", "Signal", ""),
    Column("confidence", "Conf", hint="confidence: the least of quality, agreement and strength"),
    Column("beta", "β", hint="beta to Bitcoin over a week of hours"),
    *(Column(name, short, "n part", name.replace("_", " ")) for name, short in COMPONENTS.items()),
    Column("age", "Age", hint="since the exchange said it"),
    Column("state", "State", "status-of"),
)

# What a <template> is rendered from: the same markup as a row, with nothing in it.
BLANK_ROW: dict[str, Any] = {
    "exchange": "", "symbol": "", "price": None, "change_24h": None, "turnover_24h": None, "score": None,
    "band": None, "signal": None, "confidence": None, "components": dict.fromkeys(COMPONENTS),
    "missing": [], "as_of": None, "state": states.EMPTY, "reason": None, "spark": [],
    "price_as_of": None, "price_state": states.EMPTY,
}  # fmt: skip
BLANK_MOVER: dict[str, Any] = {
    "exchange": "", "symbol": "", "price": None, "change_24h": None, "price_as_of": None,
    "price_state": states.LIVE,
}  # fmt: skip
BLANK_ALERT: dict[str, Any] = {
    "id": "", "exchange": "", "symbol": None, "severity": "info", "text": "", "raised_at": 0.0,
    "acknowledged_at": None,
}  # fmt: skip
BLANK_DIVERGENCE: dict[str, Any] = {"exchange": "", "symbol": "", "beta": None, "z": None, "reason": None}
NO_BETA = {"beta": None, "reason": "not measured"}
BLANK_EXCHANGE: dict[str, Any] = {
    "id": "", "state": states.UNKNOWN, "since": None, "last_success_at": None, "reason": None,
    "retry_at": None,
}  # fmt: skip


ROW_WINDOW, DIVERGENCE_WINDOW, MOST_DIVERGENCES = "1h", "5m", 5
NO_ALERTS = "no alerts"


@dataclass(frozen=True, slots=True)
class Votes:
    """The votes of the technical rating: a row per item, a column per timeframe, None where absent."""

    frames: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int | None, ...]], ...]

    @classmethod
    def of(cls, views: Mapping[str, Mapping[str, Any]]) -> Votes | None:
        """From the views of the timeframes; None when there are none."""
        votes = {frame: view["technical"]["votes"] for frame, view in views.items()}
        names = list(dict.fromkeys(name for frame in votes.values() for name in frame))
        if not names:
            return None
        return cls(
            tuple(votes), tuple((name, tuple(of.get(name) for of in votes.values())) for name in names)
        )


def missing_component(name: str, reason: str | None) -> str:
    """Why a component of a row has no number; the row itself does not say it in full."""
    return reason or f"{name.replace('_', ' ')} has no value; the symbol's page says why"


def not_confirmed(row: Mapping[str, Any]) -> str:
    """Why a price is marked; empty for one that is not."""
    if row.get("price_state", states.LIVE) != states.STALE:
        return ""
    return f"price not confirmed since {utc(row['price_as_of'])}"


def row_beta(dashboard: Mapping[str, Any], row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row's beta over hours, or why it has none."""
    window = _window(dashboard, row["exchange"], ROW_WINDOW)
    found: Mapping[str, Any] | None = window.get("symbols", {}).get(row["symbol"])
    return found or {**NO_BETA, "reason": window.get("reason") or NO_BETA["reason"]}


def divergences(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The symbols that are farthest from what their beta explains, over all exchanges; at most five."""
    found = []
    for exchange in dashboard.get("beta") or {}:
        window = _window(dashboard, exchange, DIVERGENCE_WINDOW)
        late = window["reason"] if window["state"] == states.STALE else None
        found += [
            {
                "exchange": exchange,
                "symbol": symbol,
                "beta": of["beta"],
                "z": of["divergence_z"],
                "reason": late,
            }
            for symbol, of in window["symbols"].items()
            if of["divergence_z"] is not None
        ]
    found.sort(key=lambda one: -abs(one["z"]))
    return found[:MOST_DIVERGENCES]


def _window(dashboard: Mapping[str, Any], exchange: str, timeframe: str) -> Mapping[str, Any]:
    windows = (dashboard.get("beta") or {}).get(exchange, {})
    found: Mapping[str, Any] = windows.get(timeframe, {})
    return found


def alerts_note(dashboard: Mapping[str, Any]) -> str:
    """What is to be said of the alerts as a whole: that there are none, or that nobody looks."""
    if dashboard["alerts"] is None:
        return str(dashboard["missing"].get("alerts", ""))
    return dashboard.get("late", {}).get("alerts") or ("" if dashboard["alerts"] else NO_ALERTS)


def exchange_reason(row: Mapping[str, Any]) -> str:
    """What is wrong with an exchange, since when, and when it will be asked again."""
    if not row["reason"]:
        return ""
    # Of an unknown state nobody can say since when it is so; the reason has the last time that is known.
    dated = row["since"] is not None and row["state"] != states.UNKNOWN
    since = f", since {utc(row['since'])}" if dated else ""
    again = f"; retrying at {utc(row['retry_at'])}" if row["retry_at"] is not None else ""
    return f"{row['reason']}{since}{again}"


TAUGHT: dict[str, Any] = {
    "columns": COLUMNS, "blank_row": BLANK_ROW, "blank_mover": BLANK_MOVER, "blank_exchange": BLANK_EXCHANGE,
    "blank_alert": BLANK_ALERT, "blank_divergence": BLANK_DIVERGENCE, "no_beta": NO_BETA,
    "not_confirmed": not_confirmed, "row_beta": row_beta, "divergences": divergences,
    "alerts_note": alerts_note, "figures": FIGURES, "beta_windows": BETA_WINDOWS,
    "severity_tones": SEVERITY_TONES, "simulated_id": SIMULATED,
    "missing_component": missing_component, "exchange_reason": exchange_reason,
}  # fmt: skip
