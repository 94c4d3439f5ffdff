"""The supervisor's last will: a tiny process that ends its process groups when it vanishes.

It reads `+ group` and `- group` lines from its standard input. The end of input means that the
supervisor is gone, whichever way it went: then every group still noted is killed. It runs as a script
of its own, without the rest of the package, and costs a few megabytes.
"""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """Note groups until the input ends, then kill those that are left."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        sign, _, group = line.partition(" ")
        (groups.add if sign == "+" else groups.discard)(int(group))
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    main()
