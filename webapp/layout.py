"""What the templates are told beside the numbers: columns, blank rows, and sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from cache import states
from webapp.words import COMPONENTS, UNKNOWN, utc

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
    *(Column(name, short, "n part", name.replace("_", " ")) for name, short in COMPONENTS.items()),
    Column("age", "Age", hint="since the exchange said it"),
    Column("state", "State", "status-of"),
)

# What a <template> is rendered from: the same markup as a row, with nothing in it.
BLANK_ROW: dict[str, Any] = {
    "exchange": "", "symbol": "", "price": None, "change_24h": None, "turnover_24h": None, "score": None,
    "band": None, "signal": None, "confidence": None, "components": dict.fromkeys(COMPONENTS),
    "missing": [], "as_of": None, "state": states.EMPTY, "reason": None, "spark": [],
}  # fmt: skip
BLANK_MOVER: dict[str, Any] = {"exchange": "", "symbol": "", "price": None, "change_24h": None}
BLANK_EXCHANGE: dict[str, Any] = {
    "id": "", "state": UNKNOWN, "since": None, "last_success_at": None, "reason": None, "retry_at": None,
}  # fmt: skip


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


def exchange_reason(row: Mapping[str, Any]) -> str:
    """What is wrong with an exchange, since when, and when it will be asked again."""
    if not row["reason"]:
        return ""
    # Of an unknown state nobody can say since when it is so; the reason has the last time that is known.
    dated = row["since"] is not None and row["state"] != UNKNOWN
    since = f", since {utc(row['since'])}" if dated else ""
    again = f"; next try at {utc(row['retry_at'])}" if row["retry_at"] is not None else ""
    return f"{row['reason']}{since}{again}"


TAUGHT: dict[str, Any] = {
    "columns": COLUMNS, "blank_row": BLANK_ROW, "blank_mover": BLANK_MOVER, "blank_exchange": BLANK_EXCHANGE,
    "missing_component": missing_component, "exchange_reason": exchange_reason,
}  # fmt: skip
