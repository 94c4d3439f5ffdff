"""Recorded candles, moved in time so that most of them are history and the rest plays forward."""

from __future__ import annotations

import bisect
import csv
import gzip
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simulator import noise
from simulator.model import DAY_MS, HOUR_MS, MINUTE_MS, Candles, Instrument, Ints, Panel, Reals
from simulator.sentiment import FUNDING_MS

_CANDLES = re.compile(r"candles-(\d+)([mhd])\.csv(\.gz)?$")
_FUNDING = ("funding-8h.csv.gz", "funding-8h.csv")
_COLUMNS = ["symbol", "timestamp", "open", "high", "low", "close", "volume"]
_UNITS_MS = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
_SYMBOL = re.compile(r"([A-Z0-9]{1,20})/USDT:USDT$")
_MOST_DECIMALS = 12


class RecordingsUnusable(Exception):
    """The folder has no candles that can be played; the message is one sentence that says why."""


@dataclass(frozen=True, slots=True)
class _Recording:
    """One symbol's file content as exact whole numbers; open times in the recording's own time."""

    base: str
    price_decimals: int
    qty_decimals: int
    candles: Candles


class RecordedMarket:
    """Plays recorded candles; `shift_ms` is what was added to the recording's times.

    After its last candle there are no more, for any symbol: the tape says `ended` then.
    """

    source = "recordings"

    def __init__(
        self,
        *,
        recordings: tuple[_Recording, ...],
        base_ms: int,
        shift_ms: int,
        seed: int,
        funding: Mapping[str, tuple[list[int], list[float]]],
    ) -> None:
        self.seed = seed
        self.base_ms = base_ms
        self.shift_ms = shift_ms
        self.betas: Mapping[str, float] = {}
        self._funding = funding
        self._runs = [_moved(one.candles, shift_ms) for one in recordings]
        self.first_index = min(int(run.open_ms[0]) for run in self._runs) // base_ms
        self.stop_index: int | None = max(int(run.open_ms[-1]) for run in self._runs) // base_ms + 1
        self.instruments = _instruments(recordings, self._runs, base_ms, seed)
        self._panel = _panel(self._runs, base_ms, self.first_index, self.stop_index)

    def base(self, series: int, first: int, stop: int) -> Candles:
        """The recorded candles of one series; see the Market contract."""
        run = self._runs[series]
        left, right = np.searchsorted(run.open_ms, [first * self.base_ms, stop * self.base_ms])
        return run.cut(slice(int(left), int(right)))

    def panel(self, first: int, stop: int) -> Panel:
        """The recorded candles of all series; see the Market contract."""
        part = slice(first - self.first_index, stop - self.first_index)
        whole = self._panel
        return Panel(
            whole.open[:, part],
            whole.high[:, part],
            whole.low[:, part],
            whole.close[:, part],
            whole.volume[:, part],
            whole.turnover[:, part],
        )

    def funding_rate(self, instrument: Instrument, at_ms: int) -> float | None:
        """The rate that was in force in the recording at that moment, None before and long after it."""
        times, rates = self._funding.get(instrument.base, ([], []))
        moment = at_ms - self.shift_ms
        place = bisect.bisect_right(times, moment) - 1
        if place < 0 or moment - times[place] >= FUNDING_MS:
            return None
        return rates[place]


def load(folder: Path, *, now_ms: int, seed: int, history_share: float = 2 / 3) -> RecordedMarket:
    """Read the finest `candles-*.csv(.gz)` of a folder; raises RecordingsUnusable with one sentence."""
    path, base_ms = _finest(folder)
    recordings = tuple(_read(path, base_ms))
    first = min(int(one.candles.open_ms[0]) for one in recordings)
    last = max(int(one.candles.open_ms[-1]) for one in recordings) + base_ms
    shift = _shift(first, last, now_ms=now_ms, history_share=history_share, base_ms=base_ms)
    return RecordedMarket(
        recordings=recordings, base_ms=base_ms, shift_ms=shift, seed=seed, funding=_read_funding(folder)
    )


def _shift(first: int, last: int, *, now_ms: int, history_share: float, base_ms: int) -> int:
    """The move that puts the share of the recording (or up to one unit more) behind now.

    Units are 4 h, so that candles up to 4 h keep their bounds; a recording of less than a day moves by
    whole base candles.
    """
    unit = 4 * HOUR_MS if last - first >= DAY_MS else base_ms
    wanted = now_ms - (first + int((last - first) * history_share))
    return wanted // unit * unit


def _finest(folder: Path) -> tuple[Path, int]:
    if not folder.is_dir():
        raise RecordingsUnusable(f"{folder} is not a folder")
    found: list[tuple[int, Path]] = []
    for path in sorted(folder.iterdir()):
        match = _CANDLES.match(path.name)
        if match:
            found.append((int(match[1]) * _UNITS_MS[match[2]], path))
    usable = [(length, path) for length, path in found if length and DAY_MS % length == 0]
    if not usable:
        raise RecordingsUnusable(f"{folder} has no file named like candles-1m.csv.gz or candles-5m.csv")
    length, path = min(usable)
    return path, length


def _read(path: Path, base_ms: int) -> Iterator[_Recording]:
    rows: dict[str, list[list[str]]] = {}
    try:
        with _opened(path) as lines:
            reader = csv.reader(lines)
            if next(reader, None) != _COLUMNS:
                raise RecordingsUnusable(f"{path}: the first line must be {','.join(_COLUMNS)}")
            for row in reader:
                rows.setdefault(row[0] if row else "", []).append(row)
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise RecordingsUnusable(f"{path}: cannot be read ({error})") from error
    if not rows:
        raise RecordingsUnusable(f"{path}: has no candles")
    for symbol, lines_of_symbol in rows.items():
        yield _recording(path, symbol, lines_of_symbol, base_ms)


def _opened(path: Path):  # type: ignore[no-untyped-def] # noqa: ANN202 - two kinds of text file
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _recording(path: Path, symbol: str, rows: list[list[str]], base_ms: int) -> _Recording:
    match = _SYMBOL.match(symbol)
    if not match:
        raise RecordingsUnusable(f"{path}: {symbol!r} is not a symbol like BTC/USDT:USDT")
    if any(len(row) != len(_COLUMNS) for row in rows):
        raise RecordingsUnusable(f"{path}: a line of {symbol} does not have {len(_COLUMNS)} columns")
    try:
        opens = np.array([int(row[1]) for row in rows], dtype=np.int64)
        price_decimals = max(_decimals(text) for row in rows for text in row[2:6])
        qty_decimals = max(_decimals(row[6]) for row in rows)
        prices = [[_count(row[column], price_decimals) for row in rows] for column in range(2, 6)]
        volume = np.array([_count(row[6], qty_decimals) for row in rows], dtype=np.int64)
        numbers = [np.array(column, dtype=np.int64) for column in prices]
    except (ValueError, OverflowError) as error:
        raise RecordingsUnusable(f"{path}: {symbol} has a value that is not a number ({error})") from error
    _check(path, symbol, opens, numbers, volume, base_ms)
    open_, high, low, close = numbers
    turnover = volume * ((open_ + high + low + close) / 4) * 10.0 ** -(price_decimals + qty_decimals)
    candles = Candles(opens, open_, high, low, close, volume, turnover)
    return _Recording(match[1], price_decimals, qty_decimals, candles)


def _check(path: Path, symbol: str, opens: Ints, prices: list[Ints], volume: Ints, base_ms: int) -> None:
    open_, high, low, close = prices
    if (np.diff(opens) <= 0).any() or (opens % base_ms).any():
        raise RecordingsUnusable(f"{path}: the times of {symbol} do not rise in steps of {base_ms} ms")
    sound = (low > 0) & (low <= np.minimum(open_, close)) & (high >= np.maximum(open_, close)) & (volume >= 0)
    if not sound.all():
        raise RecordingsUnusable(
            f"{path}: the candle of {symbol} at {opens[~sound][0]} has prices or a volume that cannot be"
        )


def _decimals(number: str) -> int:
    """Decimal places that matter: "0.7420" has 3."""
    fraction = number.partition(".")[2].rstrip("0")
    if len(fraction) > _MOST_DECIMALS:
        raise ValueError(f"{number!r} has more than {_MOST_DECIMALS} decimals")
    return len(fraction)


def _count(number: str, decimals: int) -> int:
    """The number in units of 10**-decimals, exactly; only plain digits with one point are accepted."""
    whole, _, fraction = number.partition(".")
    if not (whole.isascii() and whole.isdecimal() and (not fraction or fraction.isdecimal())):
        raise ValueError(f"{number!r} is not a plain decimal number")
    return int(whole + fraction.rstrip("0").ljust(decimals, "0"))


def _read_funding(folder: Path) -> dict[str, tuple[list[int], list[float]]]:
    path = next((folder / name for name in _FUNDING if (folder / name).is_file()), None)
    if path is None:
        return {}
    rates: dict[str, dict[int, float]] = {}
    try:
        with _opened(path) as lines:
            for row in csv.DictReader(lines):
                match = _SYMBOL.match(row["symbol"])
                if match:
                    rates.setdefault(match[1], {})[int(row["timestamp"])] = float(row["rate"])
    except (OSError, UnicodeDecodeError, EOFError, KeyError, TypeError, ValueError) as error:
        raise RecordingsUnusable(f"{path}: cannot be read as symbol,timestamp,rate ({error!r})") from error
    return {base: (sorted(of), [of[time] for time in sorted(of)]) for base, of in rates.items()}


def _moved(candles: Candles, shift_ms: int) -> Candles:
    return Candles(
        candles.open_ms + shift_ms,
        candles.open,
        candles.high,
        candles.low,
        candles.close,
        candles.volume,
        candles.turnover,
    )


def _instruments(
    recordings: tuple[_Recording, ...], runs: list[Candles], base_ms: int, seed: int
) -> tuple[Instrument, ...]:
    made = []
    for category in ("linear", "spot"):
        for series, (one, run) in enumerate(zip(recordings, runs, strict=True)):
            symbol = one.base + "USDT"
            made.append(
                Instrument(
                    category=category,
                    symbol=symbol,
                    base=one.base,
                    series=series,
                    price_decimals=one.price_decimals,
                    qty_decimals=one.qty_decimals,
                    listed_at_ms=int(run.open_ms[0]),
                    key=noise.key(seed, category, symbol),
                    symbol_id=series + 1,
                    daily_volume=int(run.volume.mean() * (DAY_MS // base_ms)) + 1,
                )
            )
    return tuple(made)


def _panel(runs: list[Candles], base_ms: int, first: int, stop: int) -> Panel:
    """All series on one grid; a missing candle is flat at the last close (before the first: its open)."""
    rows = [_on_grid(run, base_ms, first, stop) for run in runs]
    columns = [np.stack([row[place] for row in rows]) for place in range(5)]
    turnover: Reals = np.stack([row[5] for row in rows])
    return Panel(columns[0], columns[1], columns[2], columns[3], columns[4], turnover)


def _on_grid(run: Candles, base_ms: int, first: int, stop: int) -> tuple[Ints, Ints, Ints, Ints, Ints, Reals]:
    place = run.open_ms // base_ms - first
    known = np.searchsorted(place, np.arange(stop - first), side="right") - 1
    flat = np.where(known >= 0, run.close[np.maximum(known, 0)], run.open[0])
    prices = []
    for column in (run.open, run.high, run.low, run.close):
        filled = flat.copy()
        filled[place] = column
        prices.append(filled)
    volume = np.zeros(stop - first, dtype=np.int64)
    volume[place] = run.volume
    turnover = np.zeros(stop - first)
    turnover[place] = run.turnover
    return prices[0], prices[1], prices[2], prices[3], volume, turnover
