"""A whole system of fake processes under the real supervisor, with real embedded servers."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ops import ports, state
from tests.support.waiting import eventually

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


class FakeSystem:
    """Starts `up` in a folder of its own and looks at it from outside, as an operator does."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.var = folder / "var"
        self.journal = folder / "journal"
        self.journal.touch()
        self.output = folder / "output"
        self.ports = {name: ports.free_port() for name in ("WEB", "STREAM", "FLOWER", "SIMULATOR")}
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("REDIS", "MEMCA"))},
            **{f"{name}_PORT": str(port) for name, port in self.ports.items()},
            "VAR_DIR": str(self.var),
            "PYTHONPATH": str(ROOT),
        }
        self.process = None
        self.lines = {}
        self.define("web", "--port", str(self.ports["WEB"]))

    def define(self, name, *behaviour: str):
        """Add (or replace) a process of the Procfile."""
        words = ["python", "-S", str(HERE / "fake.py"), name, "--journal", str(self.journal), *behaviour]
        self.lines[name] = f"{name}: {shlex.join(words)}"

    def start(self, **changes: str):
        """Start `up` and return at once."""
        procfile = self.folder / "Procfile"
        procfile.write_text("\n".join(self.lines.values()))
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "runner.py"), str(self.folder), str(procfile)],
                env={**self.environment, **changes},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def until_ready(self):
        """Return once the first complete dashboard was announced."""
        eventually(lambda: "first complete dashboard" in self.said() or self.process.poll(), within_s=40)
        assert self.process.poll() is None, self.said()
        return self

    def said(self):
        """Return all that was printed up to now."""
        return self.output.read_text()

    def state(self):
        """Return the system's own description, or None."""
        return state.read(state.RunFolder(self.var))

    def pid_of(self, name):
        """Return the process id of that process now, waiting while it is between two runs."""
        return eventually(lambda: (now := self.state()) and now.processes[name].pid, within_s=10)

    def events(self, name=None):
        """Return (name, event) of the journal, of one process if named."""
        rows = [json.loads(line) for line in self.journal.read_text().splitlines()]
        return [(row["name"], row["event"]) for row in rows if name in (None, row["name"])]

    def server_address(self, variable):
        """Return the address that the processes got for REDIS_URL and the like."""
        text = (self.var / "run/environment").read_text()
        lines = dict(line.split("=", 1) for line in shlex.split(text))
        return lines.get(variable)

    def descendants(self):
        """Return every process that `up` has started, at any depth, with its own."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def stop(self, number=signal.SIGTERM):
        """Send the signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=20)

    def end(self):
        """Leave nothing behind, whatever the test did: ask once, ask again, then kill."""
        if self.process is None or self.process.poll() is not None:
            return
        family = self.descendants()
        for _ in range(2):
            self.process.terminate()
            try:
                self.process.wait(timeout=1)
            except subprocess.TimeoutExpired:
                continue
        for process in family:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self.process.wait()


@pytest.fixture
def system(tmp_path):
    """A fake system that is not yet started."""
    fake = FakeSystem(tmp_path)
    yield fake
    fake.end()


@pytest.fixture
def gone():
    """Return a predicate: none of these processes lives any more."""

    def all_gone(processes):
        return not [process for process in processes if _lives(process)]

    return all_gone


def _lives(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
