"""The parts of the dashboard beside its rows: betas and alerts, as small as they can be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cache import states

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from cache import Entry

    Section = dict[str, dict[str, dict[str, Any]]]

MOST_ALERTS = 20
DIGITS = 4
NOT_MEASURED = "not measured yet"
NEVER_LOOKED = "nobody has looked for alerts yet"
ALERT_FIELDS = (
    "id", "kind", "exchange", "symbol", "severity", "text", "raised_at", "acknowledged_at",
)  # fmt: skip


def beta_section(exchanges: Mapping[str, Mapping[str, Entry | None]]) -> Section | None:
    """Each exchange's windows from their entries; None when nothing was ever measured."""
    if not any(entry for windows in exchanges.values() for entry in windows.values()):
        return None
    return {
        exchange: {timeframe: _window(entry) for timeframe, entry in windows.items()}
        for exchange, windows in exchanges.items()
    }


def beta_of(section: Section | None, shown: Collection[tuple[str, str]]) -> Section | None:
    """The section with those symbols alone that are shown, as (exchange, symbol)."""
    if section is None:
        return None

    def cut(exchange: str, window: Mapping[str, Any]) -> dict[str, Any]:
        of = {symbol: one for symbol, one in window["symbols"].items() if (exchange, symbol) in shown}
        return {**window, "symbols": of}

    return {
        exchange: {timeframe: cut(exchange, window) for timeframe, window in windows.items()}
        for exchange, windows in section.items()
    }


def alerts_section(entry: Entry | None) -> list[dict[str, Any]] | None:
    """The newest 20 alerts; None when nobody has looked for any, which is not the same as none."""
    if entry is None:
        return None
    return [{name: alert[name] for name in ALERT_FIELDS} for alert in entry.value["alerts"][:MOST_ALERTS]]


def missing(beta: object | None, alerts: object | None) -> dict[str, str]:
    """Why a section is null."""
    reasons = {"beta": (beta, NOT_MEASURED), "alerts": (alerts, NEVER_LOOKED)}
    return {name: reason for name, (section, reason) in reasons.items() if section is None}


def late(alerts: Entry | None) -> dict[str, str]:
    """Which section is older than it should be, and since when; a window of betas says so itself."""
    if alerts is None or alerts.state == "fresh":
        return {}
    return {"alerts": f"nobody has looked for alerts since {states.clock_time(alerts.value['evaluated_at'])}"}


def _window(entry: Entry | None) -> dict[str, Any]:
    if entry is None:
        return {
            "leader": None, "as_of": None, "state": states.EMPTY, "reason": NOT_MEASURED, "symbols": {},
        }  # fmt: skip
    value = entry.value
    state, reason = states.LIVE, value["reason"]
    if reason is not None:
        state = states.EMPTY
    elif entry.state != "fresh":
        state, reason = states.STALE, f"not measured since {states.clock_time(entry.stored_at)}"
    symbols = {symbol: _figures(one) for symbol, one in value["symbols"].items()}
    return {
        "leader": value["leader"], "as_of": value["as_of"], "state": state, "reason": reason,
        "symbols": symbols,
    }  # fmt: skip


def _figures(of: Mapping[str, Any]) -> dict[str, Any]:
    """By least squares; the weighted figures are in the full answer."""
    fit = of["ols"] or {"beta": None, "correlation": None}
    return {
        "beta": _rounded(fit["beta"]),
        "correlation": _rounded(fit["correlation"]),
        "divergence_z": _rounded(of["divergence_z"]),
        "reason": of["reason"],
    }


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, DIGITS)
