from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import pytest

from tests.support.simulator import ROOT, running_simulator
from tests.support.simulator_parts import write_candles
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


def start(*arguments: str, **environment: str):
    """Run the program to its end; it must refuse to start."""
    return subprocess.run(
        [sys.executable, "-m", "simulator", *arguments],
        cwd=ROOT,
        env={**os.environ, "SIMULATOR_PORT": "1", **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_sigterm_ends_it_at_once_even_with_requests_under_way():
    """Exit code 0, without a wait for what is under way: that one is held for 30 s."""
    with running_simulator(symbols=3) as simulator:
        simulator.fault("timeout", path="/v5/market/time")
        with socket.create_connection(("127.0.0.1", simulator.port)) as connection:
            connection.sendall(b"GET /v5/market/time HTTP/1.1\r\nHost: x\r\n\r\n")
            eventually(lambda: simulator.requests()["total"] == 1, within_s=20)

            started = time.monotonic()
            code = simulator.stop()

    assert code == 0
    assert time.monotonic() - started < 8


def test_a_restart_gives_the_same_history():
    """Two processes with one seed agree on the past; another seed does not."""
    until = int(time.time() * 1000) // 300_000 * 300_000 - 300_000
    query = {"category": "linear", "symbol": "SOLUSDT", "interval": "5", "limit": "500", "end": until}
    answers = []
    for seed in (11, 11, 12):
        with running_simulator(symbols=4, seed=seed) as simulator:
            answers.append(simulator.get("kline", **query).json()["result"]["list"])

    assert answers[0] == answers[1]
    assert answers[0] != answers[2]


def test_a_number_moves_the_port_and_the_seed():
    """By hand as under the supervisor."""
    with running_simulator(symbols=2, seed=11, number=2) as simulator:
        assert simulator.state()["seed"] == 12


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"SIMULATOR_SYMBOLS": "none"}, "SIMULATOR_SYMBOLS: got 'none'"),
        ({"SIMULATOR_PORT": "70000"}, "SIMULATOR_PORT: got '70000'"),
        ({"EXCHANGES": "simulated9", "SIMULATOR_PORT": "65530"}, "SIMULATOR_PORT: got 65530 for 9 exchanges"),
        (
            {"SIMULATOR_RECORDINGS": "/does/not/exist"},
            "SIMULATOR_RECORDINGS: got '/does/not/exist'; want a folder that can be read",
        ),
    ],
)
def test_a_wrong_value_stops_the_start_with_one_line(environment, line):
    """The line names the variable; there is no traceback."""
    ended = start(**environment)

    assert ended.returncode == 2
    assert ended.stderr.startswith(line)
    assert len(ended.stderr.splitlines()) == 1


def test_a_folder_without_usable_files_stops_the_start_with_one_line(tmp_path):
    """It names the variable, the folder and what is wanted."""
    ended = start(SIMULATOR_RECORDINGS=str(tmp_path))

    assert ended.returncode == 2
    assert ended.stderr == (
        f"SIMULATOR_RECORDINGS: got '{tmp_path}'; "
        "want a folder with a file named like candles-1m.csv.gz or candles-5m.csv\n"
    )


def test_a_port_in_use_stops_the_start_with_one_line():
    """It names the port and the variable that moves it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        ended = start(SIMULATOR_PORT=port, SIMULATOR_SYMBOLS="2")

    assert ended.returncode == 2
    assert ended.stderr.startswith(f"SIMULATOR_PORT: cannot listen on 127.0.0.1:{port}")
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [("--history", "2"), ("--number", "10"), ("--limit", "x"), ("--limit-mode", "nice"), ("--window", "0")],
)
def test_wrong_arguments_are_explained(arguments):
    """The usage, and what was wrong."""
    ended = start(*arguments)

    assert ended.returncode == 2
    assert arguments[0] in ended.stderr


def test_a_recording_that_ends_says_so(tmp_path):
    """Symbols turn to Closed and the log has one line."""
    write_candles(tmp_path, {"BTC": [("10.5", "11.25", "10.0", "11", "7.50")] * 90})
    with running_simulator(recordings=tmp_path, arguments=("--history", "0.9")) as simulator:
        simulator.move_clock(3600)

        instruments = simulator.get("instruments-info", category="linear").json()["result"]["list"]

        assert instruments[0]["status"] == "Closed"
        assert simulator.state()["ended"]
        assert simulator.output().count("recording_ended") == 1
