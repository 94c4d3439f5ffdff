"""The command: what it takes, in which order it records, and how it ends."""

from __future__ import annotations

import argparse
import re
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.model import HOUR_MS, MINUTE_MS
from simulator.record.folder import Folder
from simulator.record.history import FUNDING_MS, last_closed_ms, record_candles, record_funding
from simulator.record.live import Rounds
from simulator.record.manifest import Manifest, Trail, Wanted
from simulator.record.progress import Progress
from simulator.record.refused import RecordRefused, Unreachable
from simulator.record.sentiment import record_if_given, record_interest, record_ratios
from simulator.record.source import Source, connect, secrets_of

if TYPE_CHECKING:
    from collections.abc import Callable

DONE, UNFINISHED, WRONG, STOPPED = 0, 1, 2, 130
_SYMBOL = re.compile(r"([A-Z0-9]{1,20})/USDT(:USDT)?")
_URL = re.compile(r"https?://\S+")
_LONGEST_HOURS = 24 * 366
_POLL_S = 1.0


def main(arguments: list[str]) -> int:
    """Record; 0 when all is there, 1 when the exchange gave up, 2 for what cannot be, 130 when stopped."""
    options = _parser().parse_args(arguments)
    progress = Progress(stream=sys.stderr, clock=time.monotonic)
    # Asked to stop by a supervisor as by a person: what is kept is kept.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _record(options, progress)
    except RecordRefused as refused:
        progress.line(str(refused))
        return WRONG
    except Unreachable as gone:
        progress.line(f"{gone}; the same command continues")
        return UNFINISHED
    except OSError as error:
        progress.line(f"{options.folder}: cannot be written to ({error.strerror or error})")
        return UNFINISHED
    except KeyboardInterrupt:
        progress.line("stopped; the same command continues")
        return STOPPED
    finally:
        signal.signal(signal.SIGTERM, before)
    return DONE


def _record(options: argparse.Namespace, progress: Progress) -> None:
    wanted = Wanted(options.exchange, options.symbols, options.hours, options.live * 60.0)
    client = connect(options.exchange, url=options.url)
    secrets = secrets_of(options.url)
    source = Source(client, patience_s=options.patience, say=progress.line, secrets=secrets)
    # The exchange first: a wish that it cannot fulfil leaves no folder behind.
    source.open(wanted.symbols)
    folder = Folder.opened(options.folder, wanted, begin=lambda: _begun(source, wanted))
    try:
        _fill(source, folder, progress, every_s=options.every)
    finally:
        folder.close()
    progress.line(f"{options.folder}: complete; SIMULATOR_RECORDINGS={options.folder} plays it")


def _fill(source: Source, folder: Folder, progress: Progress, *, every_s: float) -> None:
    """The past first, since it takes a known time; then what is live; then the candles of that time."""
    manifest = folder.manifest
    if manifest.finished:
        return
    record_candles(source, folder, progress, until_ms=manifest.to_ms)
    Rounds(source, folder, progress, every_s=every_s).run()
    until_ms = max(manifest.to_ms, _closed_behind(source, progress, manifest.live_until_ms))
    record_candles(source, folder, progress, until_ms=until_ms)
    record_funding(source, folder, progress, until_ms=until_ms)
    record_if_given(record_interest, source, folder, progress, until_ms=until_ms)
    record_if_given(record_ratios, source, folder, progress, until_ms=until_ms)
    manifest.finished = True
    folder.commit()


def _closed_behind(source: Source, progress: Progress, moment_ms: int) -> int:
    """Wait until the candle that holds a moment is closed: without it the moment could not be played."""
    wanted_ms = -(-moment_ms // MINUTE_MS) * MINUTE_MS
    while (left_ms := wanted_ms - last_closed_ms(source.now_ms())) > 0:
        progress.show("closing", MINUTE_MS - left_ms, MINUTE_MS, "waiting for the last candle to close")
        time.sleep(_POLL_S)
        source.read_clock()
    return wanted_ms


def _begun(source: Source, wanted: Wanted) -> Manifest:
    """A recording that begins now, by the exchange's clock."""
    to_ms = last_closed_ms(source.now_ms())
    from_ms = (to_ms - int(wanted.hours * HOUR_MS)) // MINUTE_MS * MINUTE_MS
    return Manifest(
        wanted=wanted,
        from_ms=from_ms,
        to_ms=to_ms,
        candles=dict.fromkeys(wanted.symbols, from_ms),
        funding=dict.fromkeys(wanted.symbols, from_ms - FUNDING_MS),
        trades={symbol: Trail() for symbol in wanted.symbols},
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulator record",
        description="Keep what a real exchange shows, in a folder that the simulator plays.",
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="where to; an unfinished recording there is continued")
    add("--exchange", required=True, metavar="ID", help="the exchange, as ccxt spells it")
    add("--symbols", required=True, type=_symbols, metavar="A,B", help="such as BTC/USDT:USDT,ETH/USDT:USDT")
    add(
        "--hours", required=True, type=_between(1 / 60, _LONGEST_HOURS), metavar="N",
        help="how far candles of 1 m, funding rates, open interest and account ratios reach back",
    )  # fmt: skip
    add(
        "--live", type=_between(0, 10_080), default=10.0, metavar="MINUTES",
        help="how long trades, books and tickers are recorded after that (10)",
    )  # fmt: skip
    add("--every", type=_between(0.1, 3600), default=5.0, metavar="S", help="seconds between two rounds (5)")
    add(
        "--patience", type=_between(0, 86_400), default=60.0, metavar="S",
        help="how long an exchange that does not answer is tried again (60)",
    )  # fmt: skip
    add(
        "--url",
        type=_url,
        metavar="URL",
        help="ask there instead of the exchange: a gateway, or a simulated exchange",
    )
    return parser


def _symbols(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    bases = [match[1] for name in names if (match := _SYMBOL.fullmatch(name))]
    if not names or len(bases) < len(names):
        raise argparse.ArgumentTypeError(f"got {text!r}; want symbols like BTC/USDT:USDT or BTC/USDT")
    if len(set(bases)) < len(bases):
        raise argparse.ArgumentTypeError(f"got {text!r}; want each coin once, as perpetual or as spot pair")
    return names


def _url(text: str) -> str:
    # What it got is not repeated: it may hold a password.
    if not _URL.fullmatch(text):
        raise argparse.ArgumentTypeError("want a URL such as http://127.0.0.1:8002")
    return text


def _between(least: float, most: float) -> Callable[[str], float]:
    def number(text: str) -> Any:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"got {text!r}; want a number from {least:.3g} to {most:g}")
        return value

    return number
