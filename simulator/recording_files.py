"""Reading recorded candles and funding rates from CSV files; prices become whole counts, never floats."""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TextIO, cast

import msgspec
import numpy as np

from simulator.model import DAY_MS, HOUR_MS, MINUTE_MS, Candles, Ints
from simulator.record import manifest
from simulator.record.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_CANDLES = re.compile(r"candles-(\d{1,4})([mhd])\.csv(\.gz)?")
_FUNDING = ("funding-8h.csv.gz", "funding-8h.csv")
_INTEREST = ("open-interest-5m.csv.gz", "open-interest-5m.csv")
_RATIOS = ("account-ratio-5m.csv.gz", "account-ratio-5m.csv")
_COLUMNS = ["symbol", "timestamp", "open", "high", "low", "close", "volume"]
_UNITS_MS = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
SYMBOL = re.compile(r"([A-Z0-9]{1,20})/USDT(?::USDT)?")
_MOST_DECIMALS = 12
UNREADABLE = (OSError, UnicodeDecodeError, EOFError, csv.Error)

Series = tuple[list[int], list[float]]
"""Times in ms, rising, and the value of each."""


class RecordingsUnusable(Exception):
    """The folder has no candles that can be played; the message is one sentence that says why."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One symbol's candles as exact whole numbers, in the recording's own time."""

    base: str
    price_decimals: int
    qty_decimals: int
    candles: Candles

    def with_decimals(self, price: int, qty: int) -> Recording:
        """The same counted in steps that are fine enough for these decimals as well."""
        price, qty = max(price, self.price_decimals), max(qty, self.qty_decimals)
        finer, more = 10 ** (price - self.price_decimals), 10 ** (qty - self.qty_decimals)
        one = self.candles
        candles = replace(
            one,
            open=one.open * finer,
            high=one.high * finer,
            low=one.low * finer,
            close=one.close * finer,
            volume=one.volume * more,
        )
        return Recording(self.base, price, qty, candles)


def finest(folder: Path) -> tuple[Path, int]:
    """The file of the shortest candles in a folder, and their length in ms."""
    try:
        names = sorted(folder.iterdir())
    except OSError as error:
        raise RecordingsUnusable(f"{folder} is not a folder that can be read") from error
    found = [
        (int(match[1]) * _UNITS_MS[match[2]], path)
        for path in names
        if (match := _CANDLES.fullmatch(path.name)) is not None
    ]
    usable = [(length, path) for length, path in found if length and DAY_MS % length == 0]
    if not usable:
        raise RecordingsUnusable(f"{folder} has no file named like candles-1m.csv.gz or candles-5m.csv")
    length, path = min(usable)
    return path, length


def read_candles(path: Path, base_ms: int) -> tuple[Recording, ...]:
    """All symbols of a file of `symbol,timestamp,open,high,low,close,volume` lines."""
    rows: dict[str, list[list[str]]] = {}
    try:
        with opened(path) as lines:
            reader = csv.reader(lines)
            if next(reader, None) != _COLUMNS:
                raise RecordingsUnusable(f"{path}: the first line must be {','.join(_COLUMNS)}")
            for row in reader:
                rows.setdefault(row[0] if row else "", []).append(row)
    except UNREADABLE as error:
        raise RecordingsUnusable(f"{path}: cannot be read ({error})") from error
    if not rows:
        raise RecordingsUnusable(f"{path}: has no candles")
    found = tuple(_recording(path, symbol, rows[symbol], base_ms) for symbol in rows)
    if len({one.base for one in found}) < len(found):
        raise RecordingsUnusable(f"{path}: has a coin twice, as perpetual and as spot pair")
    return found


def read_funding(folder: Path) -> dict[str, Series]:
    """Times and 8 h rates by base coin, rising in time; empty where the folder has no funding file."""
    return _read_series(folder, _FUNDING, "rate")


def read_interest(folder: Path) -> dict[str, Series]:
    """Times and open interest in amounts of the coin, in the same form."""
    return _read_series(folder, _INTEREST, "amount")


def read_ratios(folder: Path) -> dict[str, Series]:
    """Times and long accounts for each short one, in the same form."""
    return _read_series(folder, _RATIOS, "ratio")


def _read_series(folder: Path, names: tuple[str, ...], column: str) -> dict[str, Series]:
    path = next((folder / name for name in names if (folder / name).is_file()), None)
    if path is None:
        return {}
    values: dict[str, dict[int, float]] = {}
    try:
        with opened(path) as lines:
            for row in csv.DictReader(lines):
                match = SYMBOL.fullmatch(row["symbol"])
                if match:
                    values.setdefault(match[1], {})[int(row["timestamp"])] = _finite(row[column])
    except (*UNREADABLE, KeyError, TypeError, ValueError) as error:
        raise RecordingsUnusable(
            f"{path}: cannot be read as symbol,timestamp,{column} ({error!r})"
        ) from error
    return {base: (sorted(of), [of[time] for time in sorted(of)]) for base, of in values.items()}


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not a number that can be")
    return number


def opened(path: Path) -> TextIO:
    """The text of a file, unpacked; of a recording that was not finished, the part that counts."""
    if path.suffix != ".gz":
        return path.open(encoding="utf-8", newline="")
    with path.open("rb") as file:
        kept = manifest_of(path.parent)
        body = io.BytesIO(file.read(kept.files.get(path.name, 0) if kept else -1))
    return cast("TextIO", gzip.open(body, "rt", encoding="utf-8", newline=""))


def manifest_of(folder: Path) -> Manifest | None:
    """What the recorder says of the folder; None where somebody else made it."""
    path = folder / manifest.FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise RecordingsUnusable(f"{path}: cannot be read ({error})") from error


def _recording(path: Path, symbol: str, rows: Sequence[Sequence[str]], base_ms: int) -> Recording:
    match = SYMBOL.fullmatch(symbol)
    if not match:
        raise RecordingsUnusable(f"{path}: {symbol!r} is not a symbol like BTC/USDT:USDT")
    if any(len(row) != len(_COLUMNS) for row in rows):
        raise RecordingsUnusable(f"{path}: a line of {symbol} does not have {len(_COLUMNS)} columns")
    try:
        opens = np.array([int(row[1]) for row in rows], dtype=np.int64)
        price_decimals = max(decimals_of(text) for row in rows for text in row[2:6])
        qty_decimals = max(decimals_of(row[6]) for row in rows)
        open_, high, low, close = (counts_of(rows, column, price_decimals) for column in range(2, 6))
        volume = counts_of(rows, 6, qty_decimals)
    except (ValueError, OverflowError) as error:
        raise RecordingsUnusable(f"{path}: {symbol} has a value that cannot be used: {error}") from error
    turnover = volume * ((open_ + high + low + close) / 4) * 10.0 ** -(price_decimals + qty_decimals)
    candles = Candles(opens, open_, high, low, close, volume, turnover)
    _check(path, symbol, candles, base_ms)
    return Recording(match[1], price_decimals, qty_decimals, candles)


def _check(path: Path, symbol: str, candles: Candles, base_ms: int) -> None:
    if (np.diff(candles.open_ms) <= 0).any() or (candles.open_ms % base_ms).any():
        raise RecordingsUnusable(f"{path}: the times of {symbol} do not rise in steps of {base_ms} ms")
    sound = (
        (candles.low > 0)
        & (candles.low <= np.minimum(candles.open, candles.close))
        & (candles.high >= np.maximum(candles.open, candles.close))
    )
    if not sound.all():
        time = candles.open_ms[~sound][0]
        raise RecordingsUnusable(f"{path}: the candle of {symbol} at {time} has prices that cannot be")


def counts_of(rows: Sequence[Sequence[str]], column: int, decimals: int) -> Ints:
    """One column of numbers as `count_of` gives them; raises ValueError for what is no plain number."""
    return np.array([count_of(row[column], decimals) for row in rows], dtype=np.int64)


def decimals_of(number: str) -> int:
    """Decimal places that matter: "0.7420" has 3."""
    fraction = number.partition(".")[2].rstrip("0")
    if len(fraction) > _MOST_DECIMALS:
        raise ValueError(f"{number!r} has more than {_MOST_DECIMALS} decimals")
    return len(fraction)


def count_of(number: str, decimals: int) -> int:
    """The number in units of 10**-decimals, exactly; only plain digits with one point are accepted."""
    whole, _, fraction = number.partition(".")
    if not (whole.isascii() and whole.isdecimal() and (not fraction or fraction.isdecimal())):
        raise ValueError(f"{number!r} is not a plain decimal number")
    return int(whole + fraction.rstrip("0").ljust(decimals, "0"))
