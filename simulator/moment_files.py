"""Reading recorded trades, order books and tickers; each file may be missing."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from simulator.moments import Moments, RecordedBook, RecordedTicker, TradeRun, shots_of
from simulator.recording_files import (
    SYMBOL,
    UNREADABLE,
    RecordingsUnusable,
    counts_of,
    decimals_of,
    manifest_of,
    opened,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from simulator.recording_files import Recording

_TRADES = ("trades.csv.gz", "trades.csv")
_BOOKS = ("books.jsonl.gz", "books.jsonl")
_TICKERS = ("tickers.jsonl.gz", "tickers.jsonl")
_TRADE_COLUMNS = ["symbol", "timestamp", "side", "price", "amount", "id"]
_PRICE, _AMOUNT = 3, 4

Rows = dict[str, list[list[str]]]


@dataclass(frozen=True, slots=True)
class MomentFiles:
    """All that is recorded beside the candles, by base coin, numbers still as they were written."""

    trades: Mapping[str, Sequence[Sequence[str]]]
    spans: Mapping[str, tuple[tuple[int, int], ...]]
    books: Mapping[str, Sequence[tuple[int, bytes]]]
    tickers: Mapping[str, Sequence[tuple[int, bytes]]]

    def fitted(self, one: Recording) -> Recording:
        """A coin's candles in steps in which its trades can be counted too."""
        rows = self.trades.get(one.base, ())
        return one.with_decimals(
            max((decimals_of(row[_PRICE]) for row in rows), default=0),
            max((decimals_of(row[_AMOUNT]) for row in rows), default=0),
        )

    def of(self, one: Recording) -> Moments:
        """What belongs to a coin, its trades in the steps of its candles."""
        return Moments(
            trades=self._run(one),
            books=shots_of(self.books.get(one.base, ())),
            tickers=shots_of(self.tickers.get(one.base, ())),
        )

    def _run(self, one: Recording) -> TradeRun | None:
        rows = sorted(self.trades.get(one.base, ()), key=lambda row: int(row[1]))
        if not rows:
            return None
        times = np.array([int(row[1]) for row in rows], dtype=np.int64)
        return TradeRun(
            time_ms=times,
            price=counts_of(rows, _PRICE, one.price_decimals),
            size=counts_of(rows, _AMOUNT, one.qty_decimals),
            bought=np.array([row[2] == "buy" for row in rows]),
            spans=self.spans.get(one.base, ((int(times[0]), int(times[-1])),)),
        )


def read_moments(folder: Path) -> MomentFiles:
    """Read what there is; raises RecordingsUnusable with one sentence for a file that cannot be used."""
    manifest = manifest_of(folder)
    trails = manifest.trades if manifest else {}
    return MomentFiles(
        trades=_trades(folder),
        spans={
            _base(symbol): tuple((first, last) for first, last in trail.spans)
            for symbol, trail in trails.items()
            if trail.spans
        },
        books=_shots(folder, _BOOKS, RecordedBook),
        tickers=_shots(folder, _TICKERS, RecordedTicker),
    )


def _trades(folder: Path) -> Rows:
    path = _there(folder, _TRADES)
    found: Rows = defaultdict(list)
    if path is None:
        return found
    try:
        with opened(path) as lines:
            reader = csv.reader(lines)
            if next(reader, _TRADE_COLUMNS) != _TRADE_COLUMNS:
                raise RecordingsUnusable(f"{path}: the first line must be {','.join(_TRADE_COLUMNS)}")
            for row in reader:
                _check_trade(row)
                found[_base(row[0])].append(row)
    except (*UNREADABLE, ValueError, LookupError) as error:
        raise RecordingsUnusable(f"{path}: cannot be read ({error})") from error
    return found


def _check_trade(row: Sequence[str]) -> None:
    if len(row) != len(_TRADE_COLUMNS) or row[2] not in {"buy", "sell"} or not row[1].isdecimal():
        raise ValueError(f"{','.join(row)!r} is not a trade")


def _shots(folder: Path, names: tuple[str, ...], kind: Any) -> dict[str, list[tuple[int, bytes]]]:
    path = _there(folder, names)
    found: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
    if path is None:
        return found
    try:
        for line in _lines(path):
            value = msgspec.json.decode(line, type=kind)
            found[_base(value.symbol)].append((value.timestamp, line))
    except (*UNREADABLE, msgspec.DecodeError, ValueError) as error:
        raise RecordingsUnusable(f"{path}: cannot be read ({error})") from error
    return found


def _lines(path: Path) -> Iterator[bytes]:
    with opened(path) as lines:
        for line in lines:
            yield line.encode()


def _there(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _base(symbol: str) -> str:
    match = SYMBOL.fullmatch(symbol)
    if match is None:
        raise ValueError(f"{symbol!r} is not a symbol like BTC/USDT:USDT")
    return match[1]
