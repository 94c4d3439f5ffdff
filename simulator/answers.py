"""Bybit's envelope, its errors, and the reading of query parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CATEGORIES = ("spot", "linear", "inverse", "option")
PARAMETER_ERROR = 10001
TOO_MANY_VISITS = 10006

Query = Mapping[str, str]


class Refusal(Exception):
    """The exchange answers with an error code; as the real one it does so with HTTP status 200."""

    def __init__(self, message: str, *, code: int = PARAMETER_ERROR, result: bytes = b"{}") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.result = result


@dataclass(frozen=True, slots=True)
class Gap:
    """Candles that are withheld: of one symbol or of all, by open time in ms."""

    symbol: str | None
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class View:
    """What one request gets to see: the second, and what the faults in force have done to it."""

    second: int
    now_ms: int
    candles_until_ms: int | None = None
    delisted: frozenset[str] = frozenset()
    gaps: tuple[Gap, ...] = field(default=())


def envelope(result: bytes, *, now_ms: int, code: int = 0, message: str = "OK") -> bytes:
    """The whole answer around an encoded result."""
    return b'{"retCode":%d,"retMsg":"%b","result":%b,"retExtInfo":{},"time":%d}' % (
        code,
        message.encode(),
        result,
        now_ms,
    )


def category_of(query: Query) -> str:
    """The category named in the query; refuses any other."""
    category = query.get("category", "")
    if category not in CATEGORIES:
        raise Refusal("Illegal category")
    return category


def limit_of(query: Query, *, default: int, most: int) -> int:
    """The page size; more than the most is cut to it, as the real one does, nonsense is refused."""
    raw = query.get("limit", "")
    if not raw:
        return default
    if not raw.isdecimal() or int(raw) < 1:
        raise Refusal("params error: limit invalid")
    return min(int(raw), most)


def time_of(query: Query, name: str) -> int | None:
    """A time in ms, or None where the query has none."""
    raw = query.get(name, "")
    if not raw:
        return None
    if not raw.isdecimal() or len(raw) > 15:  # noqa: PLR2004 - ms of the year 33658 still fit
        raise Refusal(f"params error: {name} invalid")
    return int(raw)
