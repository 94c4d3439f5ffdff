"""Which alerts are asked for: the parameters of an address, each checked, and the page that they describe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cache.catalogue import ALERT_KINDS, ALERT_SEVERITIES
from webapp.inputs import check, only
from webapp.problems import bad_input

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from werkzeug.datastructures import MultiDict

    Alert = Mapping[str, Any]

MOST, USUAL = 200, 50
LONGEST_ID = 20
TRUTH = {"true": True, "false": False}
NAMES = ("kind", "severity", "exchange", "symbol", "acknowledged", "limit", "before")


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """What an alert must be (None: anything), how many are wanted, and the id that they come before."""

    kind: str | None = None
    severity: str | None = None
    exchange: str | None = None
    symbol: str | None = None
    acknowledged: bool | None = None
    limit: int = USUAL
    before: int | None = None

    @classmethod
    def of(cls, asked: MultiDict[str, str], *, exchanges: Sequence[str] | None) -> AlertQuery:
        """Read the parameters; raises the Problem that names the wrong one and what is wanted instead.

        `exchanges` are those that may be asked for, None while that is not known.
        """
        given = only(asked, NAMES)
        acknowledged = _one_of(given, "acknowledged", tuple(TRUTH))
        symbol = given.get("symbol")
        if symbol is not None:
            check(symbol=symbol)
            if not symbol:
                raise bad_input("symbol", "is empty; want one as the alerts spell it, such as BTC/USDT:USDT")
        return cls(
            kind=_one_of(given, "kind", ALERT_KINDS),
            severity=_one_of(given, "severity", ALERT_SEVERITIES),
            exchange=_exchange(given, exchanges),
            symbol=symbol,
            acknowledged=None if acknowledged is None else TRUTH[acknowledged],
            limit=_limit(given.get("limit")),
            before=_before(given.get("before")),
        )

    def page(self, alerts: Sequence[Alert]) -> tuple[list[Alert], str | None]:
        """The newest that fit, newest first, and the id with which the next page is asked for, or None."""
        fitting = [alert for alert in alerts if self._fits(alert)]
        shown = fitting[: self.limit]
        return shown, str(shown[-1]["id"]) if len(fitting) > len(shown) else None

    def _fits(self, alert: Alert) -> bool:
        return (
            (self.kind is None or alert["kind"] == self.kind)
            and (self.severity is None or alert["severity"] == self.severity)
            and (self.exchange is None or alert["exchange"] == self.exchange)
            and (self.symbol is None or alert["symbol"] == self.symbol)
            and (self.acknowledged is None or self.acknowledged == (alert["acknowledged_at"] is not None))
            and (self.before is None or int(alert["id"]) < self.before)
        )


def _one_of(given: Mapping[str, str], name: str, wanted: Sequence[str]) -> str | None:
    value = given.get(name)
    if value is not None and value not in wanted:
        raise bad_input(name, f"want one of {', '.join(wanted)}")
    return value


def _exchange(given: Mapping[str, str], exchanges: Sequence[str] | None) -> str | None:
    if exchanges is not None:
        return _one_of(given, "exchange", exchanges)
    value = given.get("exchange")
    if value is not None:
        check(exchange=value)
        if not value:
            raise bad_input("exchange", "is empty")
    return value


def _limit(value: str | None) -> int:
    if value is None:
        return USUAL
    if _is_number(value) and 1 <= int(value) <= MOST:
        return int(value)
    raise bad_input("limit", f"want a whole number from 1 to {MOST}")


def _before(value: str | None) -> int | None:
    if value is None or _is_number(value):
        return None if value is None else int(value)
    raise bad_input("before", "want the id of an alert: digits, such as `next` of the page before")


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= LONGEST_ID
