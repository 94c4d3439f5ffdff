"""Candles in a CSV file, as they are recorded: `symbol,timestamp,open,high,low,close,volume`.

Whatever cannot be used is refused with the line it stands on and what to do about it.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from market.candles import fill_gaps
from market.model import PRICE_COLUMNS, TIMEFRAME_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from market.model import Candles, Floats

SYMBOL, TIMESTAMP = "symbol", "timestamp"
NEEDED = (TIMESTAMP, *PRICE_COLUMNS)
GZIP = b"\x1f\x8b"
# Open times between 1973 and 5138: what lies outside is not in milliseconds.
EARLIEST_MS, LATEST_MS = 10**11, 10**14


class FileUnusable(Exception):
    """A file that cannot be scored; the message says where, what is wrong and how to mend it."""


@dataclass(frozen=True, slots=True)
class Recording:
    """All series of one file: raw rows (time in ms, open, high, low, close, volume) by symbol."""

    name: str
    timeframe: str
    rows: Mapping[str, Floats]

    @property
    def step_ms(self) -> int:
        """Length of one candle in milliseconds."""
        return TIMEFRAME_SECONDS[self.timeframe] * 1000

    def closes_at(self, symbol: str) -> float:
        """When the newest candle of a symbol closes, Unix seconds."""
        return float(self.rows[symbol][-1, 0] + self.step_ms) / 1000

    def candles(self, symbol: str, *, until: float, bars: int) -> Candles:
        """The newest `bars` candles that are closed at `until` (Unix seconds), gaps filled."""
        rows = self.rows[symbol]
        return fill_gaps(self.timeframe, rows[rows[:, 0] + self.step_ms <= until * 1000], bars=bars)


def read(source: BinaryIO, name: str) -> Recording:
    """All candles of an open file, gzipped or not; `name` stands in complaints. Raise `FileUnusable`."""
    found = _Found(name)
    reader = csv.reader(io.StringIO(_text(source, name), newline=""))
    try:
        header = next(reader, [])
        places = _places(header, name)
        for row in reader:
            if row:
                found.add(reader.line_num, row, places, len(header))
    except csv.Error as error:
        raise FileUnusable(f"{name}, line {reader.line_num}: {error}; want plain CSV") from error
    return found.recording()


class _Found:
    """The rows of a file so far, by symbol, each with the number of its line."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._rows: dict[str, list[list[float]]] = {}
        self._lines: dict[str, list[int]] = {}

    def add(self, line: int, row: Sequence[str], places: Mapping[str, int], fields: int) -> None:
        """Take one line, which must have so many fields."""
        if len(row) != fields:
            mend = "complete it" if len(row) < fields else 'write numbers without "," or in quotation marks'
            raise self._wrong(line, f"has {len(row)} fields, the first line names {fields}", mend)
        symbol = row[places[SYMBOL]] if SYMBOL in places else self._name
        if not symbol:
            raise self._wrong(line, "names no symbol", "write one, or leave the column out of the whole file")
        numbers = [self._number(line, column, row[places[column]]) for column in NEEDED]
        self._check(line, numbers)
        before = self._rows.setdefault(symbol, [])
        lines = self._lines.setdefault(symbol, [])
        if before and numbers[0] == before[-1][0]:
            raise self._wrong(line, f"has the same time as line {lines[-1]}", "keep one of the two")
        if before and numbers[0] < before[-1][0]:
            raise self._wrong(line, f"is earlier than line {lines[-1]}", "sort the lines of a symbol by time")
        before.append(numbers)
        lines.append(line)

    def recording(self) -> Recording:
        """All of it, once it is clear how long a candle is and that every line keeps to that."""
        if not self._rows:
            raise FileUnusable(f"{self._name}: no candles; want a line for each below the first")
        rows = {symbol: np.array(each) for symbol, each in self._rows.items()}
        timeframe = self._timeframe(rows)
        step_ms = TIMEFRAME_SECONDS[timeframe] * 1000
        for symbol, series in rows.items():
            off = np.flatnonzero(series[:, 0] % step_ms)
            if len(off):
                when = datetime.fromtimestamp(series[off[0], 0] / 1000, UTC)
                raise self._wrong(
                    self._lines[symbol][off[0]],
                    f"opens at {when:%Y-%m-%d %H:%M:%S}, where no {timeframe} candle opens",
                    "correct the time, or score each timeframe from a file of its own",
                )
        return Recording(self._name, timeframe, rows)

    def _timeframe(self, rows: Mapping[str, Floats]) -> str:
        """The distance that is most usual between two candles of a symbol."""
        steps = Counter(step for series in rows.values() for step in np.diff(series[:, 0]).tolist())
        if not steps:
            raise FileUnusable(
                f"{self._name}: one candle of a symbol does not say how long it is; want two or more of one"
            )
        usual_s = steps.most_common(1)[0][0] / 1000
        for name, seconds in TIMEFRAME_SECONDS.items():
            if seconds == usual_s:
                return name
        raise FileUnusable(
            f"{self._name}: candles {usual_s:g} s apart; want one of {', '.join(TIMEFRAME_SECONDS)}"
        )

    def _number(self, line: int, column: str, text: str) -> float:
        try:
            number = math.nan if "_" in text else float(text)  # Python would read 1_234
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise self._wrong(line, f"{column} is {text!r}", "want a number, with a point for decimals")
        return number

    def _check(self, line: int, numbers: Sequence[float]) -> None:
        opened, open_, high, low, close, volume = numbers
        if not EARLIEST_MS <= opened < LATEST_MS or opened % 1:
            unit = "multiply seconds by 1000" if opened < EARLIEST_MS else "divide microseconds by 1000"
            raise self._wrong(line, f"{TIMESTAMP} is {opened:.15g}", f"want the open time in ms UTC: {unit}")
        if low <= 0:
            raise self._wrong(line, f"low is {low:g}", "prices are above 0")
        if low > min(open_, close) or high < max(open_, close):
            said = f"open {open_:g}, high {high:g}, low {low:g}, close {close:g}"
            raise self._wrong(line, said, "open and close lie from low to high: correct it or leave it out")
        if volume < 0:
            raise self._wrong(line, f"volume is {volume:g}", "want 0 or more")

    def _wrong(self, line: int, what: str, mend: str) -> FileUnusable:
        return FileUnusable(f"{self._name}, line {line}: {what}; {mend}")


def _text(source: BinaryIO, name: str) -> str:
    try:
        raw = source.read()
        return (gzip.decompress(raw) if raw.startswith(GZIP) else raw).decode("utf-8-sig")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileUnusable(f"{name}: the gzip stream is cut or damaged; record or copy it again") from error
    except UnicodeDecodeError as error:
        raise FileUnusable(
            f"{name}: byte {error.start} is not UTF-8; want a CSV file or one gzipped"
        ) from error


def _places(header: Sequence[str], name: str) -> dict[str, int]:
    """Where each column stands, by the first line."""
    columns = [column.strip().lower() for column in header]
    twice = [column for column in (SYMBOL, *NEEDED) if columns.count(column) > 1]
    if twice:
        raise FileUnusable(f"{name}, line 1: {', '.join(twice)} twice; keep one column of that name")
    places = {column: at for at, column in enumerate(columns)}
    absent = [column for column in NEEDED if column not in places]
    if absent:
        want = f"want {SYMBOL},{','.join(NEEDED)} ({SYMBOL} may be left out)"
        raise FileUnusable(f"{name}, line 1: no {', '.join(absent)}; {want}")
    return {column: places[column] for column in (SYMBOL, *NEEDED) if column in places}
