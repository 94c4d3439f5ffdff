"""Our end of the other process: found, started, asked, ended."""

from __future__ import annotations

import json
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from market.model import Candles

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
SET_UP = "UV_PROJECT_ENVIRONMENT=.venv-peers uv sync --frozen --only-group peers"
HOW = f"ta and pandas-ta-classic are not measured: no .venv-peers, which `make bench` or `{SET_UP}` makes"
COLUMNS = ("open", "high", "low", "close", "volume")
STARTS_WITHIN_S = 60.0


class Peers:
    """One process with all peers; its answers say how long they took."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def passes(self, peer: str, count: int) -> dict[str, Any]:
        """Have it make so many passes; the answer has `took` (seconds), `newest` and `rss_mb`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"peer": peer, "passes": count}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the process of {peer} has ended: {self._process.wait()}"
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def running(series: Sequence[Candles], python: Path = PYTHON) -> Iterator[Peers]:
    """The other process with these series; it ends with the block."""
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        np.save(file, np.array([[getattr(each, name) for name in COLUMNS] for each in series]))
        file.flush()
        process = subprocess.Popen(
            [python, "-m", "benchmarks.market.peers.serve", file.name],
            cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        try:
            yield Peers(process)
        finally:
            process.communicate()  # closes its standard input, which ends it
