"""What a running system writes down about itself in var/run, and how others read it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from ops import lock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ops.keeper import Keeper

_LOCK = "lock"
_STATE = "state.json"
_ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The paths of one system's run-time files."""

    var: Path

    @property
    def path(self) -> Path:
        """The folder itself."""
        return self.var / "run"

    @property
    def redis(self) -> Path:
        """What the embedded Redis keeps from one start to the next."""
        return self.var / "redis"

    @property
    def lock(self) -> Path:
        """The lock, with its holder's name inside."""
        return self.path / _LOCK

    @property
    def state(self) -> Path:
        """The processes and addresses of now."""
        return self.path / _STATE

    @property
    def environment(self) -> Path:
        """The settings as the processes got them."""
        return self.path / _ENVIRONMENT

    def clear(self) -> None:
        """Remove what only means something while the system runs; the lock goes with its holder."""
        self.state.unlink(missing_ok=True)
        self.environment.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class ProcessState:
    """One process: its id (None between two runs) and how often it was started again."""

    pid: int | None
    restarts: int


@dataclass(frozen=True, slots=True)
class SystemState:
    """The whole system, with its addresses and its processes by name; times are Unix seconds.

    `pid` is the supervisor's own.
    """

    pid: int
    guard_pid: int
    since: float
    addresses: dict[str, str]
    processes: dict[str, ProcessState] = field(default_factory=dict)


def write(folder: RunFolder, state: SystemState) -> None:
    """Replace the state file in one step, so that nobody reads half of it."""
    draft = folder.state.with_suffix(".new")
    draft.write_text(json.dumps(asdict(state)))
    draft.replace(folder.state)


def read(folder: RunFolder) -> SystemState | None:
    """Return the state of the system that runs on the folder, or None when none does."""
    if not lock.is_held(folder.lock):
        return None
    try:
        body = json.loads(folder.state.read_text())
        processes = {name: ProcessState(**state) for name, state in body.pop("processes").items()}
        return SystemState(**body, processes=processes)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def of_keepers(keepers: Mapping[str, Keeper]) -> dict[str, ProcessState]:
    """Describe the kept processes of now."""
    return {name: ProcessState(pid=keeper.pid, restarts=keeper.restarts) for name, keeper in keepers.items()}
