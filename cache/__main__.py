"""Wiring of the operator's commands: `python -m cache COMMAND`."""

from __future__ import annotations

import io
import logging
import os
import shutil
import signal
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import structlog

import settings
from cache.catalogue import CATALOGUE
from cache.operators import command_line, environment
from cache.operators.desk import BAD_USAGE, FOUND, NO_REDIS, Desk
from cache.operators.looking import Looker, NoRedis
from cache.operators.paper import Paper, wants_colours
from cache.operators.units import visible
from cache.tiered import TieredCache
from cache.wiring import tiers_from

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cache.wiring import Tiers


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = command_line.parsed(sys.argv[1:] if arguments is None else arguments)
    # The commands say themselves what goes wrong with a tier.
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=("level", "event")),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        found_at = environment.adopt(os.environ, options.environment)
        configured = settings.load()
        tiers = tiers_from(configured, time.time)
    except environment.NoEnvironment as error:
        return _failed(BAD_USAGE, str(error))
    except settings.SettingsError as error:
        return _failed(BAD_USAGE, *error.lines)
    except ValueError as error:
        return _failed(BAD_USAGE, f"REDIS_URL: {error}")
    # What ends a watch ends it cleanly, also where the shell had it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        with closing(Looker(tiers)) as looker:
            desk = _desk(configured, tiers, looker, _paper(as_json=options.json))
            return command_line.run(desk, options)
    except NoRedis as error:
        return _failed(NO_REDIS, str(error), _hint(configured, found_at))
    except KeyboardInterrupt:
        return FOUND if options.command == "watch" else 128 + signal.SIGINT
    except BrokenPipeError:
        # Who reads has read enough; Python's own last flush must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FOUND


def _paper(*, as_json: bool) -> Paper:
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Where a letter cannot be written, its number is better than no answer.
        sys.stdout.reconfigure(errors="backslashreplace")
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    return Paper(sys.stdout, colours=wants_colours(sys.stdout), as_json=as_json, width=width)


def _desk(configured: settings.Settings, tiers: Tiers, looker: Looker, paper: Paper) -> Desk:
    catalogue = CATALOGUE.with_lifetimes(configured.lifetimes())

    def open_cache(*, listening: bool) -> TieredCache:
        return TieredCache(
            tiers=tiers_from(configured, time.time),
            catalogue=catalogue,
            usable_for=configured.usable_for,
            listening=listening,
            # Who only looks is not counted among those who use it.
            name=None,
        )

    return Desk(
        catalogue=catalogue,
        tiers=tiers,
        looker=looker,
        open_cache=open_cache,
        clock=time.time,
        paper=paper,
        complain=_say,
        ask=_ask if sys.stdin.isatty() else None,
    )


def _ask(question: str) -> bool:
    sys.stderr.write(f"{visible(question)} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _hint(configured: settings.Settings, found_at: Path | None) -> str:
    if found_at is not None:
        return f"the address is from {found_at}: is that system still running?"
    if configured.redis_location() is None:
        left = configured.var_dir / environment.LEFT_AT
        return f"name it with REDIS_URL, or start the system, which leaves its address in {left}"
    return "the address is from the environment; --environment FILE takes another"


def _failed(code: int, *lines: str) -> int:
    _say("\n".join(lines))
    return code


def _say(text: str) -> None:
    sys.stderr.write("\n".join(map(visible, text.splitlines())) + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
