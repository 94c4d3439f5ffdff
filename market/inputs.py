"""What a score is made of besides candles and the book: trades, open interest, funding, accounts, breadth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from market.model import Floats

    Sides = NDArray[np.int8]

FUNDING_HOURS = 8.0
"""Funding rates are compared per this many hours, whatever the exchange's own interval is."""


@dataclass(frozen=True, slots=True)
class Trades:
    """The known trades of the newest stretch of time, oldest first, as numpy columns.

    `time` in Unix seconds, `price` in quote units, `amount` in base units, `side` +1 where the buyer
    took and -1 where the seller did. From `since` (Unix seconds) on every trade is known; what lies
    between two answers that did not meet is not. `last_ids` names the trades of the newest instant,
    so that the next answer can be joined without counting one twice.
    """

    exchange: str
    symbol: str
    time: Floats
    price: Floats
    amount: Floats
    side: Sides
    since: float
    last_ids: tuple[str, ...]
    as_of: float

    def __len__(self) -> int:
        return len(self.time)

    @property
    def notional(self) -> Floats:
        """Quote units of each trade."""
        return self.price * self.amount

    def to_plain(self) -> dict[str, Any]:
        """The trades as msgpack can carry them; columns become little-endian bytes."""
        return {
            "time": np.ascontiguousarray(self.time, dtype="<f8").tobytes(),
            "price": np.ascontiguousarray(self.price, dtype="<f8").tobytes(),
            "amount": np.ascontiguousarray(self.amount, dtype="<f8").tobytes(),
            "side": np.ascontiguousarray(self.side, dtype="i1").tobytes(),
            "since": self.since,
            "last_ids": list(self.last_ids),
            "as_of": self.as_of,
        }

    @classmethod
    def from_plain(cls, exchange: str, symbol: str, plain: Mapping[str, Any]) -> Self:
        """The inverse of `to_plain`; columns are read-only views."""
        return cls(
            exchange,
            symbol,
            time=np.frombuffer(plain["time"], dtype="<f8"),
            price=np.frombuffer(plain["price"], dtype="<f8"),
            amount=np.frombuffer(plain["amount"], dtype="<f8"),
            side=np.frombuffer(plain["side"], dtype="i1"),
            since=plain["since"],
            last_ids=tuple(plain["last_ids"]),
            as_of=plain["as_of"],
        )


@dataclass(frozen=True, slots=True)
class OpenInterest:
    """Open interest over the last hour and a little more: `time` in Unix seconds, `amount` in base units."""

    exchange: str
    symbol: str
    time: tuple[float, ...]
    amount: tuple[float, ...]
    as_of: float

    def to_plain(self) -> dict[str, Any]:
        """The series as msgpack can carry it."""
        return {"time": list(self.time), "amount": list(self.amount), "as_of": self.as_of}

    @classmethod
    def from_plain(cls, exchange: str, symbol: str, plain: Mapping[str, Any]) -> Self:
        """The inverse of `to_plain`."""
        return cls(exchange, symbol, tuple(plain["time"]), tuple(plain["amount"]), plain["as_of"])


@dataclass(frozen=True, slots=True)
class Funding:
    """The rate in force until the next settlement, a fraction per `interval_h` hours; times in Unix seconds.

    `interval_h` is None where the exchange does not say it.
    """

    exchange: str
    symbol: str
    rate: float
    interval_h: float | None
    next_at: float | None
    as_of: float

    @property
    def rate_8h(self) -> float | None:
        """The rate per eight hours; None without an interval."""
        return None if self.interval_h is None else self.rate * FUNDING_HOURS / self.interval_h

    def to_plain(self) -> dict[str, Any]:
        """The rate as msgpack can carry it."""
        return {
            "rate": self.rate, "interval_h": self.interval_h, "next_at": self.next_at, "as_of": self.as_of,
        }  # fmt: skip

    @classmethod
    def from_plain(cls, exchange: str, symbol: str, plain: Mapping[str, Any]) -> Self:
        """The inverse of `to_plain`."""
        return cls(exchange, symbol, plain["rate"], plain["interval_h"], plain["next_at"], plain["as_of"])


@dataclass(frozen=True, slots=True)
class LongShort:
    """Accounts that are long for each one that is short (a ratio above 0)."""

    exchange: str
    symbol: str
    ratio: float
    as_of: float

    def to_plain(self) -> dict[str, Any]:
        """The ratio as msgpack can carry it."""
        return {"ratio": self.ratio, "as_of": self.as_of}

    @classmethod
    def from_plain(cls, exchange: str, symbol: str, plain: Mapping[str, Any]) -> Self:
        """The inverse of `to_plain`."""
        return cls(exchange, symbol, plain["ratio"], plain["as_of"])


@dataclass(frozen=True, slots=True)
class Breadth:
    """How many of an exchange's tracked symbols stand above their 24 h open, of those that have one."""

    exchange: str
    above: int
    symbols: int
    as_of: float

    @property
    def share(self) -> float | None:
        """The share above, 0 to 1; None without symbols."""
        return self.above / self.symbols if self.symbols else None

    def to_plain(self) -> dict[str, Any]:
        """The counts as msgpack can carry them."""
        return {"above": self.above, "symbols": self.symbols, "as_of": self.as_of}

    @classmethod
    def from_plain(cls, exchange: str, plain: Mapping[str, Any]) -> Self:
        """The inverse of `to_plain`."""
        return cls(exchange, plain["above"], plain["symbols"], plain["as_of"])
