"""How much memory the running system takes, process by process."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops.state import SystemState

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Use:
    """One service's memory: its number of processes and their proportional share in kilobytes."""

    name: str
    processes: int
    pss_kb: int


def measure(state: SystemState, *, proc: Path = _PROC) -> list[Use]:
    """Sum each service's whole process group; shared pages count once over all (PSS)."""
    groups = {"ops": state.pid, "guard": state.guard_pid}
    groups |= {name: process.pid for name, process in state.processes.items() if process.pid}
    members: dict[int, list[int]] = {group: [] for group in groups.values()}
    for pid, group in _groups(proc):
        # The supervisor is in its shell's group, which is not all its own.
        if pid == state.pid:
            members[pid].append(pid)
        elif group in members and group != state.pid:
            members[group].append(pid)
    return [
        Use(name, len(members[group]), sum(_pss_kb(proc, pid) for pid in members[group]))
        for name, group in groups.items()
    ]


def table(uses: list[Use]) -> str:
    """Lay the figures out in megabytes, with their sum."""
    rows = [(use.name, use.processes, use.pss_kb / 1024) for use in uses]
    rows.append(("total", sum(row[1] for row in rows), sum(row[2] for row in rows)))
    lines = [f"{name:<12}{processes:>10}{megabytes:>10.1f}" for name, processes, megabytes in rows]
    return "\n".join([f"{'process':<12}{'processes':>10}{'PSS MB':>10}", *lines])


def _groups(proc: Path) -> Iterator[tuple[int, int]]:
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            yield int(entry.name), os.getpgid(int(entry.name))
        except ProcessLookupError:
            continue


def _pss_kb(proc: Path, pid: int) -> int:
    try:
        lines = (proc / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        # It has just ended, or belongs to somebody whose memory is not ours to read.
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
