"""The folder of a recording: files that only grow, and a manifest that says how much of them counts.

What is appended counts from the moment at which the manifest that names it is in place. A process that
dies between the two leaves bytes that the next one cuts off; so nothing is there twice and nothing is lost.
"""

from __future__ import annotations

import fcntl
import gzip
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from simulator.record.manifest import FILE, FORMAT, Manifest, Wanted
from simulator.record.refused import RecordRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_LOCK = "recording.lock"


class Folder:
    """One recording on the disk, held by one process at a time."""

    def __init__(self, path: Path, manifest: Manifest, lock: BinaryIO) -> None:
        self.manifest = manifest
        self._path = path
        self._lock = lock
        self._appended: set[str] = set()

    @classmethod
    def opened(cls, path: Path, wanted: Wanted, begin: Callable[[], Manifest]) -> Folder:
        """Continue the recording that is there, or `begin` one; raises RecordRefused with the reason."""
        try:
            path.mkdir(parents=True, exist_ok=True)
            with ExitStack() as undo:
                lock = undo.enter_context(_locked(path))
                manifest = _kept(path, wanted)
                if manifest is None:
                    _refuse_foreign(path)
                    manifest = begin()
                folder = cls(path, manifest, lock)
                folder._cut()
                folder.commit()
                undo.pop_all()
        except OSError as error:
            raise RecordRefused(f"{path}: cannot be written to ({error.strerror or error})") from error
        return folder

    def append(self, name: str, lines: Iterable[str], *, header: str | None = None) -> None:
        """Add lines to a file, as one gzip member; they count after the next `commit`."""
        body = "".join(f"{line}\n" for line in lines)
        if not body:
            return
        kept = self.manifest.files.get(name, 0)
        if header is not None and not kept and name not in self._appended:
            body = f"{header}\n{body}"
        with (self._path / name).open("ab") as file:
            file.write(gzip.compress(body.encode(), mtime=0))
        self._appended.add(name)

    def commit(self) -> None:
        """Let what was appended count, together with what has changed in the manifest."""
        for name in self._appended:
            with (self._path / name).open("rb") as file:
                os.fsync(file.fileno())
                self.manifest.files[name] = os.fstat(file.fileno()).st_size
        self._appended.clear()
        written = self._path / f"{FILE}.new"
        with written.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(self.manifest), indent=1))
            file.flush()
            os.fsync(file.fileno())
        written.replace(self._path / FILE)

    def close(self) -> None:
        """Let another process have the folder."""
        self._lock.close()

    def _cut(self) -> None:
        """Take off what the last process had not finished."""
        for path in self._path.glob("*.gz"):
            length = self.manifest.files.get(path.name, 0)
            size = path.stat().st_size
            if size < length:
                raise RecordRefused(f"{path}: has {size} bytes where {length} were kept; want a new folder")
            os.truncate(path, length)


def _locked(path: Path) -> BinaryIO:
    file = (path / _LOCK).open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise RecordRefused(f"{path}: another process is recording into it") from None
    return file


def _kept(path: Path, wanted: Wanted) -> Manifest | None:
    """The manifest that is there, if it is of the same wish; None for a folder without any."""
    try:
        body = (path / FILE).read_bytes()
    except FileNotFoundError:
        return None
    try:
        manifest = msgspec.json.decode(body, type=Manifest)
    except msgspec.DecodeError as error:
        raise RecordRefused(f"{path / FILE}: cannot be understood ({error}); want a new folder") from error
    if manifest.format != FORMAT:
        raise RecordRefused(f"{path / FILE}: is of format {manifest.format}; want a new folder")
    if manifest.wanted != wanted:
        raise RecordRefused(f"{path}: holds {_told(manifest.wanted)}; want the same again, or a new folder")
    return manifest


def _refuse_foreign(path: Path) -> None:
    """Nothing that somebody else made is built on or cut."""
    foreign = next(path.glob("*.csv*"), None) or next(path.glob("*.gz"), None)
    if foreign is not None:
        raise RecordRefused(f"{path}: has {foreign.name}, which was not recorded here; want a new folder")


def _told(wanted: Wanted) -> str:
    symbols = ",".join(wanted.symbols)
    return f"{symbols} of {wanted.exchange}, {wanted.hours:g} hours and {wanted.live_s / 60:g} minutes"
