"""The table of betas: a line per symbol with both windows, in the order that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from cache import states
from webapp.problems import bad_input
from webapp.words import BETA_WINDOWS, NOT_MEASURED

if TYPE_CHECKING:
    from collections.abc import Mapping

    Window = Mapping[str, Any]


class Figure(NamedTuple):
    """One column of each window."""

    name: str
    label: str
    format: str
    hint: str


FIGURES = (
    Figure("beta", "β", "two", "beta by ordinary least squares"),
    Figure("ewma", "β ew", "two", "beta with exponential weights, decay .94 a bar"),
    Figure("correlation", "Corr", "two", "correlation of the log returns"),
    Figure("r2", "R²", "two", "share of the variance that Bitcoin explains"),
    Figure("n", "Bars", "whole", "bars in common with Bitcoin"),
    Figure("divergence", "z", "plus", "how unusual the newest return is beside what beta explains"),
)
ORDERS = ("", *(f"{timeframe}.{figure.name}" for timeframe in BETA_WINDOWS for figure in FIGURES))


@dataclass(frozen=True, slots=True)
class Line:
    """One symbol: its figures by window and name, None where missing, and the reason by window."""

    symbol: str
    figures: Mapping[str, Mapping[str, float | None]]
    reasons: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class BetaTable:
    """What the page of betas shows; `windows` are the heads by timeframe, each with state and reason."""

    windows: Mapping[str, Window]
    lines: tuple[Line, ...]
    order: str

    @classmethod
    def of(cls, windows: Mapping[str, Window | None], order: str) -> BetaTable:
        """From windows as they are served; raises the Problem for an order that there is not."""
        if order not in ORDERS:
            raise bad_input("order", f"want one of {', '.join(ORDERS[1:])}")
        known = {timeframe: window or NO_WINDOW for timeframe, window in windows.items()}
        symbols = dict.fromkeys(symbol for window in known.values() for symbol in window["symbols"])
        lines = [_line(symbol, known) for symbol in symbols]
        return cls(known, tuple(_ordered(lines, order)), order)

    @property
    def state(self) -> str:
        """The worse of the windows' states."""
        words: list[states.State] = [window["state"] for window in self.windows.values()]
        return max(words, key=WORSE.index)

    @property
    def reason(self) -> str | None:
        """Why it is not live, each window by its name."""
        reasons = [f"{name}: {one['reason']}" for name, one in self.windows.items() if one["reason"]]
        return "; ".join(reasons) or None

    @property
    def as_of(self) -> float | None:
        """Of the older window."""
        return min((one["as_of"] for one in self.windows.values() if one["as_of"] is not None), default=None)


WORSE = (states.LIVE, states.EMPTY, states.STALE)
NO_WINDOW: dict[str, Any] = {
    "symbols": {}, "leader": None, "as_of": None, "state": states.EMPTY, "reason": NOT_MEASURED,
}  # fmt: skip
NO_FIT: dict[str, None] = dict.fromkeys(("beta", "correlation", "r2", "n"))


def _line(symbol: str, windows: Mapping[str, Window]) -> Line:
    of = {timeframe: window["symbols"].get(symbol) for timeframe, window in windows.items()}
    return Line(
        symbol,
        {timeframe: _figures(one) for timeframe, one in of.items()},
        {timeframe: one["reason"] if one else windows[timeframe]["reason"] for timeframe, one in of.items()},
    )


def _figures(of: Mapping[str, Any] | None) -> dict[str, float | None]:
    if of is None:
        return {figure.name: None for figure in FIGURES}
    ols, ewma = of["ols"] or NO_FIT, of["ewma"] or NO_FIT
    return {
        "beta": ols["beta"],
        "ewma": ewma["beta"],
        "correlation": ols["correlation"],
        "r2": ols["r2"],
        "n": ols["n"],
        "divergence": of["divergence_z"],
    }


def _ordered(lines: list[Line], order: str) -> list[Line]:
    """From the largest, a divergence whatever its sign; what is missing comes last."""
    if not order:
        return lines
    timeframe, _, name = order.partition(".")

    def rank(line: Line) -> tuple[bool, float]:
        value = line.figures[timeframe][name]
        if value is None:
            return True, 0.0
        return False, -abs(value) if name == "divergence" else -value

    return sorted(lines, key=rank)
