"""The operator's commands: up, status, memory."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import settings as configuration
from ops import memory, state, up

if TYPE_CHECKING:
    from ops.state import SystemState

_ROOT = Path(__file__).resolve().parent.parent
_USAGE = """usage: python -m ops COMMAND
  up      run the whole system until Ctrl-C or SIGTERM
  status  show the processes of the running system
  memory  show how much memory it takes"""


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit code."""
    if arguments == ["up"]:
        return up.up(root=_ROOT, procfile=_ROOT / "Procfile")
    if arguments not in (["status"], ["memory"]):
        print(_USAGE, file=sys.stderr)
        return 2
    try:
        folder = state.RunFolder(configuration.load().var_dir.absolute())
    except configuration.SettingsError as error:
        print("\n".join(error.lines), file=sys.stderr)
        return 2
    running = state.read(folder)
    if running is None:
        print(f"nothing runs on {folder.var}", file=sys.stderr)
        return 1
    print(_status(running) if arguments == ["status"] else memory.table(memory.measure(running)))
    return 0


def _status(running: SystemState) -> str:
    lines = [f"running for {time.time() - running.since:.0f} s, pid {running.pid}"]
    lines += [f"{name:<12}{address}" for name, address in running.addresses.items()]
    lines.append(f"{'process':<12}{'pid':>8}{'restarts':>10}")
    lines += [
        f"{name:<12}{process.pid or '-':>8}{process.restarts:>10}"
        for name, process in running.processes.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
