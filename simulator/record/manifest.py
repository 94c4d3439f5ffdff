"""What a recording consists of and how far it has come: `recording.json` in its folder."""

from __future__ import annotations

import msgspec

FILE = "recording.json"
FORMAT = 1


class Wanted(msgspec.Struct, frozen=True):
    """What was asked for; only the same wish continues a folder. Hours of history, seconds of live data."""

    exchange: str
    symbols: tuple[str, ...]
    hours: float
    live_s: float


class Trail(msgspec.Struct):
    """How far one symbol's trades are kept.

    `spans` are the times in ms, both included, within which every trade is there; a new one begins where
    the exchange no longer gave what happened since the last round. `ids` are those of the newest trades.
    """

    last_ms: int = 0
    ids: list[str] = []
    spans: list[list[int]] = []


class Manifest(msgspec.Struct):
    """The state of a recording.

    `candles`, `funding`, `interest` and `ratios` hold the time in ms from which each symbol goes on.

    `live_until_ms` is when the newest round ended, by the exchange's clock. `files` holds the bytes of each
    file that count: what lies behind them was not finished.
    """

    wanted: Wanted
    from_ms: int
    to_ms: int
    candles: dict[str, int]
    funding: dict[str, int]
    trades: dict[str, Trail]
    live_done_s: float = 0.0
    live_until_ms: int = 0
    finished: bool = False
    files: dict[str, int] = {}
    interest: dict[str, int] = {}
    ratios: dict[str, int] = {}
    format: int = FORMAT
