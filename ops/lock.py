"""One running system for each folder of files: a lock that dies with its holder."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Holder:
    """Who runs on the folder: its process id, its start in Unix seconds, its web address."""

    pid: int
    since: float
    web: str

    def sentence(self, folder: Path) -> str:
        """Say in one line who holds the folder."""
        started = datetime.fromtimestamp(self.since, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return (
            f"{folder} is in use by pid {self.pid}, running since {started} at {self.web}; "
            "stop it, or set VAR_DIR to another folder"
        )


class Held(Exception):
    """Another process holds the lock; `holder` is None when it has not yet written its name."""

    def __init__(self, holder: Holder | None) -> None:
        super().__init__("held" if holder is None else f"held by pid {holder.pid}")
        self.holder = holder


class RunLock:
    """An exclusive lock on a file with its holder's name inside; the kernel frees it on any death."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor

    @classmethod
    def take(cls, path: Path, holder: Holder) -> Self:
        """Take the lock and sign it; raises Held where somebody else has it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                raise Held(read_holder(path)) from None
            if _is_still(path, descriptor):
                break
            # The holder before us removed the file between our open and our lock: look again.
            os.close(descriptor)
        body = json.dumps({"pid": holder.pid, "since": holder.since, "web": holder.web})
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, body.encode(), 0)
        return cls(path, descriptor)

    def release(self) -> None:
        """Remove the file, then let go of it, so that nobody locks a file that is about to go."""
        self.path.unlink(missing_ok=True)
        os.close(self.descriptor)


def read_holder(path: Path) -> Holder | None:
    """Return the name inside the lock file, or None when there is no readable one."""
    try:
        body = json.loads(path.read_text())
        return Holder(pid=int(body["pid"]), since=float(body["since"]), web=str(body["web"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock now."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
