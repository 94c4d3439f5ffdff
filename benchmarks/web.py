"""Requests per second and p99 of the dashboard's JSON, beside a bare Flask view under the same server."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.result import Result, of_rounds
from benchmarks.seed import seeded_dashboard
from ops.ports import free_port
from tests.support.servers import redis_server

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
SYMBOLS = 175
PATH = "/api/dashboard/data"
REACH = 0.8
RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
P99 = re.compile(r"99%\s+([\d.]+)(us|ms|s)")
MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def run(*, quick: bool) -> list[Result]:
    """Alternate blocks of load on both; at least seven rounds unless `quick`."""
    if shutil.which("wrk") is None:
        print("web: skipped, the load generator wrk is not installed", file=sys.stderr)
        return []
    rounds, seconds = (3, 2) if quick else (9, 4)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis = stack.enter_context(redis_server()).url
        body = seeded_dashboard(redis, symbols=SYMBOLS)
        (folder / "body").write_bytes(body)
        environment = {
            **os.environ,
            "REDIS_URL": f"{redis}/0",
            "BENCH_BODY": str(folder / "body"),
            "TTL_DASHBOARD": "30",
        }
        ours = stack.enter_context(_served("webapp.wsgi:app", environment))
        bare = stack.enter_context(_served("benchmarks.bare:app", environment))
        for url in (ours, bare):
            with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own address
                assert answer.read() == body, f"{url} answers with other bytes"
        measured: dict[str, list[tuple[float, float]]] = {ours: [], bare: []}
        for _ in range(rounds):
            for url, found in measured.items():
                found.append(_load(url, seconds))
    rates = {url: [rate for rate, _ in found] for url, found in measured.items()}
    ratios = [mine / theirs for mine, theirs in zip(rates[ours], rates[bare], strict=True)]
    ratio = statistics.median(ratios)
    peers = {"bare Flask": statistics.median(rates[bare])}
    slowest = {"bare Flask": statistics.median(p99 for _, p99 in measured[bare])}
    what = f"dashboard of {SYMBOLS} symbols, {len(body)} bytes"
    reached = ratio >= REACH
    return [
        of_rounds("W1", what, rates[ours], "1/s", peers=peers),
        of_rounds("W2", "its share of a bare view", ratios, "x", reach=f">= {REACH}", reached=reached),
        of_rounds("W3", "p99, 16 connections", [p99 for _, p99 in measured[ours]], "ms", peers=slowest),
    ]


@contextmanager
def _served(app: str, environment: dict[str, str]) -> Iterator[str]:
    port = free_port()
    command = [
        "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--http", "1",
        "--no-ws", "--workers", "1", "--blocking-threads", "4", "--backpressure", "256", "--no-log", app,
    ]  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=environment)
    url = f"http://127.0.0.1:{port}{PATH}"
    try:
        _wait_until_served(url)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_served(url: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url):  # noqa: S310 - our own address
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _load(url: str, seconds: int) -> tuple[float, float]:
    command = ["wrk", "-t1", "-c16", f"-d{seconds}s", "--latency", url]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in printed, printed
    rate, p99 = RATE.search(printed), P99.search(printed)
    assert rate, printed
    assert p99, printed
    return float(rate[1]), float(p99[1]) * MS[p99[2]]
