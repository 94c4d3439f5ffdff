"""A real simulated exchange for tests: its own process, on a free port of loopback, stopped afterwards."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import requests

from ops.ports import free_port

ROOT = Path(__file__).resolve().parents[2]


class RunningSimulator:
    """One simulator process and its control endpoint."""

    def __init__(self, process, port, log_path) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.process = process
        self._log_path = log_path
        self._session = requests.Session()
        self._session.trust_env = False

    @property
    def pid(self):
        """The process id."""
        return self.process.pid

    def get(self, path, *, timeout=10, **query: object):
        """A raw answer of the exchange; `path` without /v5/market/."""
        return self._session.get(f"{self.url}/v5/market/{path}", params=query, timeout=timeout)

    def state(self):
        """GET /control/state."""
        return self._control("GET", "state")

    def requests(self):
        """GET /control/requests."""
        return self._control("GET", "requests")

    def reset_requests(self):
        """Begin to count again."""
        return self._control("POST", "requests/reset")

    def fault(self, kind, *, path="*", **fields: object):
        """Put a fault in force, as in sim.fault("429", path="/v5/market/kline", count=2, retry_after_s=3)."""
        return self._control("POST", "faults", {"path": path, "kind": kind, **fields})

    def faults(self):
        """The faults in force."""
        return self._control("GET", "faults")["faults"]

    def clear_faults(self):
        """Lift all faults."""
        return self._control("DELETE", "faults")

    def limit(self, **fields: object):
        """Change the rate limit (requests, window_s, ban_s, mode); lifts bans."""
        return self._control("POST", "limits", fields)

    def move_clock(self, offset_s):
        """Let the whole exchange live that many seconds ahead of this machine."""
        return self._control("POST", "clock", {"offset_s": offset_s})

    def output(self):
        """What the process has printed."""
        return Path(self._log_path).read_text(encoding="utf-8")

    def stop(self):
        """End it with SIGTERM; returns the exit code."""
        self._session.close()
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(timeout=30)

    def _control(self, method, path, body=None):
        answer = self._session.request(method, f"{self.url}/control/{path}", json=body, timeout=10)
        if answer.status_code != 200:
            raise AssertionError(f"{method} /control/{path}: {answer.status_code} {answer.text}")
        return answer.json()


@contextmanager
def running_simulator(
    recordings=None, symbols=20, port=0, *, seed=None, number=1, arguments=(), environment=None
):
    """Run a simulator; `port` 0 takes a free one. `recordings`: a folder, else the synthetic market.

    Whatever its `number`, it listens on `port`; its seed is `seed` + `number` - 1.
    """
    port = port or free_port()
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("SIMULATOR_")},
        "BIND_ADDRESS": "127.0.0.1",
        "SIMULATOR_PORT": str(port + 1 - number),
        "SIMULATOR_SYMBOLS": str(symbols),
        **(environment or {}),
    }
    if recordings is not None:
        variables["SIMULATOR_RECORDINGS"] = str(recordings)
    if seed is not None:
        variables["SIMULATOR_SEED"] = str(seed)
    with tempfile.NamedTemporaryFile("w+", prefix="simulator-", suffix=".log") as log:
        command = [sys.executable, "-m", "simulator", "--number", str(number), *arguments]
        with subprocess.Popen(command, cwd=ROOT, env=variables, stdout=log, stderr=log) as process:
            simulator = RunningSimulator(process, port, log.name)
            try:
                _await_answer(simulator)
                yield simulator
            finally:
                simulator.stop()


def _await_answer(simulator, within_s=60.0):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if simulator.process.poll() is not None:
            raise AssertionError(f"the simulator ended at once:\n{simulator.output()}")
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex(("127.0.0.1", simulator.port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"the simulator does not answer:\n{simulator.output()}")
