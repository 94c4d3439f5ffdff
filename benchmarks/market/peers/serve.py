"""The other process: reads candles from a file and orders from standard input, a JSON object a line.

`{"peer": NAME, "passes": N}` is answered with the seconds that N passes over all series took, the newest
value of each indicator of each series, and the memory that this process takes.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd

PEERS = {"ta": "with_ta", "pandas-ta-classic": "with_pandas_ta"}
NAMES = ("open", "high", "low", "close", "volume")


def main() -> None:
    """Serve until standard input ends."""
    warnings.simplefilter("ignore")
    held = np.load(sys.argv[1])  # (series, columns, bars)
    frames = [pd.DataFrame(dict(zip(NAMES, columns, strict=True))) for columns in held]
    for line in sys.stdin:
        order = json.loads(line)
        columns = import_module(f"benchmarks.market.peers.{PEERS[order['peer']]}").columns
        began = time.perf_counter()
        for _ in range(order["passes"]):
            found = [columns(frame) for frame in frames]
        took = time.perf_counter() - began
        newest = [{name: float(column.iloc[-1]) for name, column in one.items()} for one in found]
        print(json.dumps({"took": took, "newest": newest, "rss_mb": _rss_mb()}), flush=True)


def _rss_mb() -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


if __name__ == "__main__":
    main()
