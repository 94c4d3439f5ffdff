"""The values that leave the exchange's edge: frozen, typed, and free of ccxt's dictionaries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

TIMEFRAME_SECONDS = {
    "1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800,
    "1h": 3600, "2h": 7200, "4h": 14400, "6h": 21600, "12h": 43200, "1d": 86400,
}  # fmt: skip

PRICE_COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class Instrument:
    """One market that is tracked; `turnover_24h` is in quote units, None where the exchange has none."""

    exchange: str
    symbol: str
    base: str
    quote: str
    type: Literal["swap", "spot"]
    turnover_24h: float | None


@dataclass(frozen=True, slots=True)
class Ticker:
    """One exchange's last price for one symbol; `as_of` is a Unix time in seconds of the exchange's clock."""

    exchange: str
    symbol: str
    last: float
    open_24h: float | None
    high_24h: float | None
    low_24h: float | None
    bid: float | None
    ask: float | None
    turnover_24h: float | None
    as_of: float

    @property
    def change_24h(self) -> float | None:
        """Change over 24 h in percent, computed from open and last; None without an open."""
        if self.open_24h is None or self.open_24h <= 0:
            return None
        return (self.last / self.open_24h - 1.0) * 100.0


@dataclass(frozen=True, slots=True)
class OrderBook:
    """Bids falling and asks rising, each an (n, 2) array of price and amount in base units."""

    exchange: str
    symbol: str
    bids: Floats
    asks: Floats
    as_of: float

    def to_plain(self) -> dict[str, Any]:
        """The book as msgpack can carry it; arrays become little-endian float64 bytes."""
        return {"bids": _pack(self.bids), "asks": _pack(self.asks), "as_of": self.as_of}

    @classmethod
    def from_plain(cls, exchange: str, symbol: str, plain: Mapping[str, Any]) -> OrderBook:
        """The inverse of `to_plain`; arrays are read-only views."""
        bids, asks = (_unpack(plain[side]).reshape(-1, 2) for side in ("bids", "asks"))
        return cls(exchange, symbol, bids, asks, plain["as_of"])


@dataclass(frozen=True, slots=True)
class Candles:
    """Closed candles of one timeframe, contiguous and oldest first, as numpy columns.

    `first_open_ms` is the open time of row 0; `filled` marks the bars that the exchange did not
    send and that carry the last close with zero volume.
    """

    timeframe: str
    first_open_ms: int
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    filled: Flags

    def __len__(self) -> int:
        return len(self.close)

    @property
    def step_ms(self) -> int:
        """Length of one candle in milliseconds."""
        return TIMEFRAME_SECONDS[self.timeframe] * 1000

    @property
    def closed_at(self) -> float:
        """Unix time in seconds at which the newest candle closed: what the series is true as of."""
        return (self.first_open_ms + len(self) * self.step_ms) / 1000

    @property
    def filled_share(self) -> float:
        """Share of bars that were filled, 0 to 1; 0 for an empty series."""
        return float(np.mean(self.filled)) if len(self) else 0.0

    def tail(self, bars: int) -> Candles:
        """The newest `bars` candles, or all when there are fewer."""
        drop = max(0, len(self) - bars)
        return Candles(
            self.timeframe,
            self.first_open_ms + drop * self.step_ms,
            open=self.open[drop:],
            high=self.high[drop:],
            low=self.low[drop:],
            close=self.close[drop:],
            volume=self.volume[drop:],
            filled=self.filled[drop:],
        )

    def to_plain(self) -> dict[str, Any]:
        """The series as msgpack can carry it; columns become little-endian float64 bytes."""
        prices = {name: _pack(getattr(self, name)) for name in PRICE_COLUMNS}
        return {
            "timeframe": self.timeframe,
            "first_open_ms": self.first_open_ms,
            "filled": np.packbits(self.filled).tobytes(),
            **prices,
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Candles:
        """The inverse of `to_plain`; columns are read-only views."""
        prices = {name: _unpack(plain[name]) for name in PRICE_COLUMNS}
        bits = np.unpackbits(np.frombuffer(plain["filled"], dtype=np.uint8), count=len(prices["close"]))
        return cls(plain["timeframe"], plain["first_open_ms"], **prices, filled=bits.astype(bool))


def _pack(column: Floats) -> bytes:
    return np.ascontiguousarray(column, dtype="<f8").tobytes()


def _unpack(raw: bytes) -> Floats:
    return np.frombuffer(raw, dtype="<f8")
