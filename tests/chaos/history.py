"""What the processes write down while they run: one line for each thing read, written or invalidated."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Made(msgspec.Struct, frozen=True, array_like=True):
    """An input as the computation saw it; `value` is "" where there was none."""

    key: str
    value: str
    fresh_until: float


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line. Times are seconds of CLOCK_MONOTONIC, which all processes of a machine share.

    `what` is read, write, expire, remove, look (a read of all keys, to compare), log or fault. `value` names
    one written value among all. `made_at` is when its computation began: whatever was invalidated later
    makes it old. `fresh_until` is in Unix seconds. `proved` and `far` say what the process believed of
    coherence and of Redis when it called; `near`, whether it believed in Memcached throughout; `owing`,
    whether it had something to settle afterwards.
    """

    process: int
    what: str
    invoked: float
    returned: float
    call: str = ""
    key: str = ""
    value: str = ""
    version: int = 0
    fresh: bool = False
    fresh_until: float = 0.0
    tier: str = ""
    proved: bool = False
    far: bool = True
    near: bool = True
    owing: bool = False
    made_at: float | None = None
    inputs: tuple[Made, ...] = ()
    error: str = ""


class Recorder:
    """Writes one process's events to its file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=1 << 16)
        self._encode = msgspec.json.Encoder().encode

    def __call__(self, event: Event) -> None:
        """Write one down."""
        self._file.write(self._encode(event) + b"\n")

    def flush(self) -> None:
        """Let others see what was written."""
        self._file.flush()

    def close(self) -> None:
        """Flush and close."""
        self._file.close()


def read_all(paths: Iterable[Path]) -> list[Event]:
    """The events of all processes in the order in which they were invoked; a torn last line is left out."""
    decode = msgspec.json.Decoder(Event).decode
    events = [
        decode(line) for path in paths for line in path.read_bytes().splitlines() if line.endswith(b"}")
    ]
    return sorted(events, key=lambda event: event.invoked)


def instant(process: int, what: str, **fields: object) -> Event:
    """An event that takes no time."""
    now = time.monotonic()
    return Event(process=process, what=what, invoked=now, returned=now, **fields)
