"""The whole system as a user starts it, on free ports and in a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ops.ports import bind_error, free_port
from settings import Settings
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from email.message import Message

ROOT = Path(__file__).parents[2]
READY_WITHIN_S = 90.0
STOP_WITHIN_S = 20.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; `json` decodes its body."""

    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)


def ask(
    url: str, *, method: str = "GET", body: Any = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """One request to this machine, whatever its status; raises OSError when nobody answers."""
    encoded = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=encoded, method=method, headers=dict(headers or {}))  # noqa: S310
    if encoded is not None:
        request.add_header("Content-Type", "application/json")
    try:
        with _DIRECT.open(request, timeout=5) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


class System:
    """A running `python -m ops up`."""

    def __init__(
        self, process: subprocess.Popen[str], var: Path, ports: Mapping[str, int], settings: Settings
    ) -> None:
        self.process = process
        self.var = var
        self.ports = ports
        self.settings = settings
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def web(self, path: str, **options: Any) -> Answer:
        """Ask the web process."""
        return ask(f"http://127.0.0.1:{self.ports['WEB_PORT']}{path}", **options)

    def flower(self, path: str, **options: Any) -> Answer:
        """Ask Flower."""
        return ask(f"http://127.0.0.1:{self.ports['FLOWER_PORT']}{path}", **options)

    def exchange(self, path: str, **options: Any) -> Answer:
        """Ask the simulated exchange."""
        return ask(f"http://127.0.0.1:{self.ports['SIMULATOR_PORT']}{path}", **options)

    def fault(self, **fault: Any) -> None:
        """Make the exchange misbehave."""
        answer = self.exchange("/control/faults", method="POST", body=fault)
        assert answer.status < 300, answer.body

    def heal(self) -> None:
        """Take all faults back."""
        answer = self.exchange("/control/faults", method="DELETE")
        assert answer.status < 300, answer.body

    def dashboard(self) -> dict[str, Any]:
        """The dashboard's document."""
        answer = self.web("/api/dashboard/data")
        assert answer.status == 200, (answer.status, answer.body[:300])
        document: dict[str, Any] = answer.json()
        return document

    def is_live(self, *, since: float = 0.0) -> bool:
        """Whether every tracked symbol is scored and fresh, from what the exchange said after `since`."""
        document = self.dashboard()
        return document["state"] == "live" and all(
            row["score"] is not None and min(row["price_as_of"], row["score_as_of"]) > since
            for row in document["symbols"]
        )

    def processes(self) -> dict[str, Any]:
        """The system's processes by name, as it writes them down itself."""
        found: dict[str, Any] = json.loads((self.var / "run" / "state.json").read_text())["processes"]
        return found

    def pid(self, name: str) -> int | None:
        """The process id of one of the system's processes, None between two runs."""
        pid: int | None = self.processes()[name]["pid"]
        return pid

    def kill(self, name: str) -> int:
        """SIGKILL one process; returns the id that it had."""
        pid = eventually(lambda: self.pid(name), within_s=10)
        os.kill(pid, signal.SIGKILL)
        return int(pid)

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Keep one process stopped for the block: it holds its sockets and says nothing."""
        pid = eventually(lambda: self.pid(name), within_s=10)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def output(self) -> str:
        """All that it printed so far."""
        return "\n".join(self.lines)

    def stop(self) -> int:
        """Ctrl-C; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(STOP_WITHIN_S)
        return self.process.returncode

    def close(self) -> None:
        """Read what is left of its output and close it."""
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(line.rstrip("\n") for line in self.process.stdout)


@contextmanager
def running_system(var: Path, *, ready: bool = True, **environment: str) -> Iterator[System]:
    """Start the system and, with `ready`, wait for its first complete dashboard; stop it at the end."""
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    # The second simulated exchange listens on the port after the first one's.
    ports["SIMULATOR_PORT"] = free_row(
        environment.get("EXCHANGES", "").count(",") + 1, besides=ports.values()
    )
    variables = {
        **{name: value for name, value in os.environ.items() if name not in CLEARED},
        **{name: str(port) for name, port in ports.items()},
        "VAR_DIR": str(var),
        **environment,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "ops", "up"],
        cwd=ROOT, env=variables, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    named = {name.lower(): value for name, value in environment.items()}
    system = System(process, var, ports, Settings(**named))
    try:
        if ready:
            wait_ready(system)
        yield system
    except BaseException as error:
        print(last_words(system.lines, error))  # noqa: T201 - pytest shows it with the failure
        raise
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        finally:
            system.close()


def last_words(lines: Sequence[str], error: BaseException) -> str:
    """The ends of what a system printed, with what went wrong once more behind it.

    Whoever keeps only the last lines of a long run sees the reason among them.
    """
    kept = [line if len(line) <= LINE_CUT else f"{line[:LINE_CUT]} .." for line in lines[-LINES_KEPT:]]
    return "\n".join([*kept, f"failed with {type(error).__name__}: {error}"[:REASON_CUT]])


def wait_ready(system: System) -> dict[str, Any]:
    """Wait until /readyz says ready and complete."""

    def ready() -> dict[str, Any] | None:
        assert system.process.poll() is None, "the system stopped by itself"
        try:
            answer = system.web("/readyz")
        except OSError:
            return None
        body: dict[str, Any] = answer.json()
        return body if answer.status == 200 and body["complete"] else None

    return eventually(ready, within_s=READY_WITHIN_S, every_s=0.2)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now, and that are lent to no client meanwhile."""
    found: set[int] = set()
    while len(found) < count:
        found.add(free_port())
    return list(found)


def free_row(count: int, *, besides: Collection[int] = ()) -> int:
    """The first of so many such ports in a row."""
    while True:
        first = free_port()
        row = range(first, first + count)
        if set(row).isdisjoint(besides) and all(bind_error("127.0.0.1", port) is None for port in row):
            return first


LINES_KEPT, LINE_CUT, REASON_CUT = 200, 300, 3_000
PORTS = ("WEB_PORT", "STREAM_PORT", "FLOWER_PORT", "SIMULATOR_PORT")
CLEARED = (
    "REDIS_HOST", "REDIS_PORT", "REDIS_URL", "BROKER_URL",
    "MEMCACHED_HOST", "MEMCACHED_PORT", "MEMCACHED_SERVERS", "EXCHANGES",
)  # fmt: skip
