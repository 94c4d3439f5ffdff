"""`python -m market score FILE`: recorded candles in, a score with its breakdown out."""

from __future__ import annotations

import argparse
import json
import math
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from market import offline
from market.breakdown import breakdown, overview
from market.candle_files import FileUnusable, Recording, read
from market.model import TIMEFRAME_SECONDS
from market.offline import Terms, score_recorded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from market.score import Score

SCORED, NOTHING_SCORED, UNUSABLE = 0, 1, 2
STDIN, ALL = "-", "all"
# Later, and a number of seconds is one of milliseconds.
LATEST_S = 10**11
FEWEST_BARS, MOST_BARS = 2, 10_000

_CODES = "exit codes: 0 scored, 1 not one symbol can be scored, 2 the command or the file cannot be used"
_ABOUT = f"""Score recorded candles without an exchange, and show how the score comes about.

FILE is CSV, plain or gzipped, with a first line symbol,timestamp,open,high,low,close,volume (symbol may be
left out); timestamp is the open time in ms UTC; "{STDIN}" reads standard input. Longer timeframes are summed
up from the recorded candles. What the file does not have (order book, trades, ..) is left out of the score
and named as missing."""
_MOMENT = "2025-04-01T12:00 (UTC), or Unix seconds or milliseconds"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    command = commands.add_parser(
        "score",
        help="score recorded candles",
        description=_ABOUT,
        epilog=_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    command.add_argument("file", metavar="FILE", help=f"candles as CSV, or {STDIN}")
    command.add_argument(
        "--symbol", action="append", default=[], metavar="NAME",
        help=f"one of the file's symbols, or its base (BTC), or {ALL}; may be repeated",
    )  # fmt: skip
    command.add_argument(
        "--timeframes", type=_timeframes, metavar="LIST", default=tuple(offline.TIMEFRAME_WEIGHTS),
        help=f"some of {','.join(TIMEFRAME_SECONDS)}; default {','.join(offline.TIMEFRAME_WEIGHTS)}",
    )  # fmt: skip
    command.add_argument(
        "--timeframe-weights", type=_weights, metavar="NAME=NUMBER,..", default={},
        help=f"default {_spelled(offline.TIMEFRAME_WEIGHTS)}",
    )  # fmt: skip
    command.add_argument(
        "--component-weights", type=_weights, metavar="NAME=NUMBER,..", default={},
        help=f"default {_spelled(offline.COMPONENT_WEIGHTS)}",
    )  # fmt: skip
    command.add_argument(
        "--at", type=_moment, metavar="TIME",
        help=f"score as of then: {_MOMENT}; default: the file's end",
    )  # fmt: skip
    command.add_argument(
        "--bars", type=_bars, default=offline.BARS, help=f"candles of each timeframe; default {offline.BARS}"
    )
    command.add_argument("--json", action="store_true", help="print one JSON document")


def run(options: argparse.Namespace) -> int:
    """Score what was asked for and print it; returns the exit code."""
    try:
        terms = _terms(options)
        recording = _recording(options.file)
        symbols = _chosen(recording, options.symbol)
    except (FileUnusable, OSError) as error:
        print(_sentence(error, options.file), file=sys.stderr)  # noqa: T201 - the command's answer
        return UNUSABLE
    scores = [score_recorded(recording, symbol, terms) for symbol in symbols]
    print(_as_json(recording, scores) if options.json else _as_text(recording, scores, options))  # noqa: T201 - the same
    return SCORED if any(score.score is not None for score in scores) else NOTHING_SCORED


def _terms(options: argparse.Namespace) -> Terms:
    given = {**offline.TIMEFRAME_WEIGHTS, **options.timeframe_weights}
    unweighted = [name for name in options.timeframes if name not in given]
    if unweighted:
        raise FileUnusable(f"--timeframe-weights: want a weight for {', '.join(unweighted)} as well")
    known = offline.COMPONENT_WEIGHTS
    unknown = [name for name in options.component_weights if name not in known]
    if unknown:
        raise FileUnusable(f"--component-weights: got {', '.join(unknown)}; want some of {', '.join(known)}")
    unknown = [name for name in options.timeframe_weights if name not in options.timeframes]
    if unknown:
        raise FileUnusable(f"--timeframe-weights: {', '.join(unknown)} is not among --timeframes")
    components = {name: options.component_weights.get(name, 0.0) for name in known}
    return Terms(
        component_weights=components if options.component_weights else known,
        timeframe_weights={name: given[name] for name in options.timeframes},
        bars=options.bars,
        at=options.at,
    )


def _recording(file: str) -> Recording:
    if file == STDIN:
        return read(sys.stdin.buffer, "standard input")
    path = Path(file)
    with path.open("rb") as source:
        binary: BinaryIO = source
        return read(binary, path.name)


def _chosen(recording: Recording, asked: Sequence[str]) -> list[str]:
    """The symbols that are meant; raise FileUnusable for one that the file has not."""
    symbols = list(recording.rows)
    if not asked or ALL in asked:
        return symbols
    chosen: dict[str, None] = {}
    for name in asked:
        meant = [symbol for symbol in symbols if name in {symbol, symbol.split("/", maxsplit=1)[0]}]
        if len(meant) != 1:
            raise FileUnusable(f"--symbol: got {name!r}; {recording.name} has {', '.join(symbols)}")
        chosen[meant[0]] = None
    return list(chosen)


def _as_json(recording: Recording, scores: Sequence[Score]) -> str:
    document = {
        "file": recording.name,
        "timeframe": recording.timeframe,
        "scores": [score.to_plain() for score in scores],
    }
    return json.dumps(document, indent=2, allow_nan=False)


def _as_text(recording: Recording, scores: Sequence[Score], options: argparse.Namespace) -> str:
    head = f"{recording.name}: {recording.timeframe} candles, {len(recording.rows)} symbols"
    if len(scores) == 1 or options.symbol:
        return "\n\n".join((head, *(breakdown(score) for score in scores)))
    return "\n\n".join((head, overview(scores), f"--symbol NAME (or {ALL}) shows how a score comes about"))


def _sentence(error: Exception, file: str) -> str:
    if isinstance(error, OSError):
        return f"{file}: {error.strerror or error}"
    return str(error)


def _spelled(weights: dict[str, float]) -> str:
    return ",".join(f"{name}={weight:g}" for name, weight in weights.items())


def _timeframes(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))
    unknown = [name for name in names if name not in TIMEFRAME_SECONDS]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"got {text!r}; want some of {', '.join(TIMEFRAME_SECONDS)}")
    return names


def _weights(text: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = part.partition("=")
        try:
            weights[name.strip()] = float(number)
        except ValueError:
            raise argparse.ArgumentTypeError(f"got {part!r}; want name=number") from None
    # Shares of an endless sum would all be 0, and the score 50.
    if any(weight < 0 for weight in weights.values()) or not 0 < sum(weights.values()) < math.inf:
        raise argparse.ArgumentTypeError(f"got {text!r}; want numbers of at least 0, one of them above")
    return weights


def _moment(text: str) -> float:
    """Unix seconds of an ISO 8601 time (UTC unless it says otherwise), of seconds or of milliseconds."""
    try:
        number = float(text)
    except ValueError:
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"got {text!r}; want a time like {_MOMENT}") from None
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    seconds = number if number < LATEST_S else number / 1000
    if not 0 < seconds < LATEST_S:
        raise argparse.ArgumentTypeError(f"got {text!r}; want a time after 1970 and before 5138")
    return seconds


def _bars(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not FEWEST_BARS <= int(text) <= MOST_BARS:
        raise argparse.ArgumentTypeError(
            f"got {text!r}; want a whole number from {FEWEST_BARS} to {MOST_BARS}"
        )
    return int(text)
