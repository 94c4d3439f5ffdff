"""The command line of the market side: `python -m market COMMAND`."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from market import exchange_table, score_file

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE = 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m market", description="Look at the market without the system."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    score_file.add_to(commands)
    exchange_table.add_to(commands)
    options = parser.parse_args(arguments)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who reads has read enough; Python's own last flush must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return code


if __name__ == "__main__":
    sys.exit(main())
