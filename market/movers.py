"""The symbols that moved most in 24 hours, among those that are traded enough to mean something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FIELDS = ("exchange", "symbol", "price", "change_24h", "turnover_24h", "price_as_of", "price_state")


def movers(
    rows: Iterable[Mapping[str, Any]], *, turnover_floor: float, count: int = 5
) -> dict[str, list[dict[str, Any]]]:
    """The `count` largest gains and losses, largest first, of rows that have the `FIELDS`.

    `change_24h` is in percent and computed from open and last, `turnover_24h` in quote units;
    `price_state` marks a price that was kept from an earlier answer. A row without change or turnover,
    or below the floor, is left out; what did not rise is no gainer, and what did not
    fall no loser. Equal changes stand by falling turnover, then by name.
    """
    traded = [
        row
        for row in rows
        if row["change_24h"] is not None
        and row["turnover_24h"] is not None
        and row["turnover_24h"] >= turnover_floor
    ]
    traded.sort(key=lambda row: (-row["turnover_24h"], row["symbol"], row["exchange"]))
    gainers = sorted(
        (row for row in traded if row["change_24h"] > 0), key=lambda row: -float(row["change_24h"])
    )
    losers = sorted(
        (row for row in traded if row["change_24h"] < 0), key=lambda row: float(row["change_24h"])
    )
    return {"gainers": _shown(gainers[:count]), "losers": _shown(losers[:count])}


def _shown(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in FIELDS} for row in rows]
