"""`python -m tests.chaos` runs seeds, `--seed N` replays one, `soak --minutes N` runs long at full rate."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import structlog

from tests.chaos import soak, telling
from tests.chaos.run import run
from tests.chaos.series import MOST_GROWTH
from tests.chaos.telling import say


def main(words: list[str] | None = None) -> int:
    """Do what the command line says; 1 when a promise was broken or something grew."""
    asked = _parser().parse_args(words)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    return asked.do(asked)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.set_defaults(do=_chaos)
    parser.add_argument("--seed", type=int, help="replay this seed alone, and show more of it")
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds (default 20)")
    parser.add_argument("--first", type=int, default=1, help="the first of them (default 1)")
    parser.add_argument("--seconds", type=float, default=12.0, help="how long each runs (default 12)")
    parser.add_argument("--only", default="", help="keep only the faults whose description has this word")
    parser.add_argument("--keep", type=Path, help="a folder for the histories")
    soaking = parser.add_subparsers().add_parser("soak", help="run long at full rate, look for growth")
    soaking.set_defaults(do=_soak)
    soaking.add_argument("--minutes", type=float, default=10.0)
    soaking.add_argument("--every", type=float, default=5.0, help="seconds between samples")
    soaking.add_argument("--processes", type=int, default=soak.PROCESSES)
    soaking.add_argument("--json", type=Path, help="a file for the figures")
    return parser


def _chaos(asked: argparse.Namespace) -> int:
    alone = asked.seed is not None
    seeds = [asked.seed] if alone else range(asked.first, asked.first + asked.seeds)
    say(telling.HEADING)
    reports, broken = [], []
    for seed in seeds:
        report = run(seed, asked.seconds, only=asked.only, keep=asked.keep)
        reports.append(report)
        say(telling.line(report))
        if alone:
            say(telling.faults(report))
        if not report.passed:
            broken.append(seed)
            say(telling.what_broke(report, each=5 if alone else 1))
        # All that the summary needs is in the verdict.
        report.events.clear()
    if not alone:
        say(telling.summary(reports))
    if broken:
        say(f"broken: {', '.join(map(str, broken))}")
    return 1 if broken else 0


def _soak(asked: argparse.Namespace) -> int:
    series = soak.soak(asked.minutes, every_s=asked.every, processes=asked.processes)
    for name, share in series.growth().items():
        say(f"{name:16} {share * 100:+6.2f} % over the second half")
    bounds = ", ".join(f"{name} {share:.0%}" for name, share in MOST_GROWTH.items())
    say(f"{'flat' if series.flat() else 'GROWING'} (bounds: {bounds})")
    if asked.json is not None:
        series.save(asked.json)
    return 0 if series.flat() else 1


if __name__ == "__main__":
    sys.exit(main())
