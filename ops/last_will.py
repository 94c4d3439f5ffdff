"""The supervisor's side of its guard: tells it which process groups live."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

_SCRIPT = Path(__file__).with_name("guard.py")


class LastWill:
    """Has every noted group killed when this process vanishes, however it does.

    The kernel's own death signal reaches children but not their children; the guard ends whole groups.
    `keep_open` are descriptors (the run lock) that the guard holds until it has done so.
    """

    def __init__(self, *, keep_open: tuple[int, ...] = ()) -> None:
        self._keep_open = keep_open
        self._groups: set[int] = set()
        self._guard = self._start()

    @property
    def pid(self) -> int:
        """The guard's process id."""
        return self._guard.pid

    def add(self, group: int) -> None:
        """Note a group that must not outlive this process."""
        self._groups.add(group)
        self._tell(f"+ {group}\n")

    def remove(self, group: int) -> None:
        """Forget a group that is gone."""
        self._groups.discard(group)
        self._tell(f"- {group}\n")

    def close(self) -> None:
        """Let the guard go; what is still noted is killed."""
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        self._guard.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        # Without site and environment it starts in 15 ms and stays small.
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(_SCRIPT)],
            bufsize=0,
            stdin=subprocess.PIPE,
            start_new_session=True,
            pass_fds=self._keep_open,
        )

    def _tell(self, line: str) -> None:
        try:
            self._send(line)
        except OSError:
            # Somebody ended the guard: a new one learns of all groups. If there can be none now, the
            # next change tries again.
            with suppress(OSError):
                self._guard.wait()
                self._guard = self._start()
                self._send("".join(f"+ {group}\n" for group in self._groups))

    def _send(self, text: str) -> None:
        if self._guard.stdin is not None:
            self._guard.stdin.write(text.encode())
