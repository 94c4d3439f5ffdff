"""Start the simulated exchange: `python -m simulator`; or `python -m simulator record` a real one."""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import signal
import sys
import time
from typing import TYPE_CHECKING

import structlog

import logs
import settings
from checks import MOST_SIMULATED
from server_settings import LAST_PORT
from simulator.control import Control, ShiftedClock
from simulator.faults import Faults
from simulator.limiter import FORBIDDEN, MODES, Limit, RateLimiter
from simulator.listing import Listing
from simulator.recording_files import RecordingsUnusable
from simulator.recordings import TWO_THIRDS, load
from simulator.server import Server
from simulator.service import PATHS, Service
from simulator.synthetic import SyntheticMarket
from simulator.tally import Tally
from simulator.tape import Tape

if TYPE_CHECKING:
    from simulator.market import Market

log = structlog.get_logger("simulator")


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; 2 with one line on standard error for each thing that is wrong.

    With `record` as the first word, record a real exchange instead.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["record"]:
        from simulator.record.command import main as record  # noqa: PLC0415 - serving does without it

        return record(arguments[1:])
    options = _parser().parse_args(arguments)
    try:
        configured = settings.load()
        logs.configure(configured.log_level)
        configured = _numbered(configured, options.number)
        market = _market(configured, options.history)
        asyncio.run(_serve(market, configured, options))
    except settings.SettingsError as error:
        return _failed(*error.lines)
    except RecordingsUnusable as error:
        return _failed(f"SIMULATOR_RECORDINGS: {error}")
    except OSError as error:
        return _failed(
            f"SIMULATOR_PORT: cannot listen on {configured.bind_address}:{configured.simulator_port} "
            f"({error.strerror or error}); SIMULATOR_PORT and BIND_ADDRESS move it"
        )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description="A simulated exchange (Bybit v5 REST).",
        epilog="python -m simulator record --help: keep what a real exchange shows, to play it here",
    )
    defaults = Limit()
    parser.add_argument(
        "--number",
        type=int,
        choices=range(1, MOST_SIMULATED + 1),
        default=1,
        metavar="N",
        help="be simulatedN: N - 1 ports further, another seed (1)",
    )
    parser.add_argument(
        "--history",
        type=_share,
        default=TWO_THIRDS,
        metavar="SHARE",
        help="share of a recording behind now (0.667)",
    )
    parser.add_argument(
        "--limit",
        type=_count,
        default=defaults.requests,
        metavar="N",
        help="requests a window; 0: no limit (600)",
    )
    parser.add_argument(
        "--window", type=_seconds, default=defaults.window_s, metavar="S", help="the window (5)"
    )
    parser.add_argument(
        "--ban", type=_seconds_or_none, default=defaults.ban_s, metavar="S", help="ban after excess (600)"
    )
    parser.add_argument("--limit-mode", choices=MODES, default=FORBIDDEN, help="how a refusal looks (403)")
    return parser


def _share(text: str) -> float:
    return _within(text, 0.001, 0.999)


def _count(text: str) -> int:
    return int(_within(text, 0, 1_000_000))


def _seconds(text: str) -> float:
    return _within(text, 0.01, 3600)


def _seconds_or_none(text: str) -> float:
    return _within(text, 0, 86_400)


def _within(text: str, least: float, most: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"got {text!r}; want a number from {least:g} to {most:g}")
    return number


def _numbered(configured: settings.Settings, number: int) -> settings.Settings:
    """The settings of the simulated exchange of that number; raises SettingsError where it has no port."""
    port = configured.simulator_port_of(number)
    if port > LAST_PORT:
        line = f"SIMULATOR_PORT: got {configured.simulator_port}, and number {number} listens on {port}"
        raise settings.SettingsError((f"{line}; want that to be at most {LAST_PORT}",))
    seed = configured.simulator_seed_of(number)
    return configured.model_copy(update={"simulator_port": port, "simulator_seed": seed})


def _market(configured: settings.Settings, history_share: float) -> Market:
    folder = configured.simulator_recordings
    if folder is None:
        return SyntheticMarket(symbols=configured.simulator_symbols, seed=configured.simulator_seed)
    return load(
        folder,
        now_ms=time.time_ns() // 1_000_000,
        seed=configured.simulator_seed,
        history_share=history_share,
    )


async def _serve(market: Market, configured: settings.Settings, options: argparse.Namespace) -> None:
    clock = ShiftedClock(time.time)
    listing = Listing(Tape(market=market))
    limiter = RateLimiter(
        limit=Limit(options.limit, options.window, options.ban, options.limit_mode), monotonic=time.monotonic
    )
    faults = Faults(
        paths=PATHS,
        symbols=frozenset(one.symbol for one in market.instruments),
        dice=random.Random(market.seed).random,
    )
    tally = Tally(PATHS)
    server = Server(
        service=Service(listing=listing, limiter=limiter, faults=faults, tally=tally, clock=clock),
        control=Control(listing=listing, limiter=limiter, faults=faults, tally=tally, clock=clock),
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with server.listening(configured.bind_address, configured.simulator_port) as port:
        log.info(
            "simulator_started",
            host=configured.bind_address,
            port=port,
            source=market.source,
            symbols=len(listing.of("linear")),
            shift_ms=market.shift_ms,
            seed=market.seed,
        )
        await stop.wait()
    log.info("simulator_stopped")


def _failed(*lines: str) -> int:
    for line in lines:
        sys.stderr.write(line + "\n")
    logging.shutdown()
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
