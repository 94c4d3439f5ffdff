"""What the embedded Redis keeps on disk, and what a new start lets it keep: the journals, such as alerts.

Everything else in it is computed again within minutes, and may be of another world: other recordings, another
seed, symbols that nobody follows any more.
"""

from __future__ import annotations

import re
import shutil
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

OPTIONS = {
    "appendonly": "yes",
    "appendfsync": "everysec",
    # Else a write may wait for the disk while the file is rewritten: the cache waits 50 ms and no more.
    "no-appendfsync-on-rewrite": "yes",
    # A power cut leaves half a command at the end of the file; all before it is good.
    "aof-load-truncated": "yes",
    # The whole is 11 MB with 175 symbols. A file of 64 MB is read in a fifth of a second.
    "auto-aof-rewrite-percentage": "100",
    "auto-aof-rewrite-min-size": "64mb",
}
"""The options of a server that keeps what it is told, but for the last second before a power cut."""

_FILES = "appendonly*"
_ASIDE = "unreadable"
_ASIDE_AT = re.compile(rf"{_ASIDE}-(\d{{8}}-\d{{6}})-appendonly")
KEPT_ASIDE = 3
"""Files of so many times are kept that the server could not read; it may be that they can be repaired."""
# What Redis 6.2 to 7 and Valkey 8 say before they end because of a file, each with other words around it.
_UNREADABLE = re.compile(
    r"reading the append only file|obtain the AOF file|AOF loading aborted|AOF manifest|RDB format version"
    r"|[Ii]nternal error in RDB|rdb file reading failure|Wrong signature trying to load"
)
_WITHIN_S = 5.0
# Of database 0, the cache's; all of the broker's goes.
_FORGET = b"""
local journals, gone = '{' .. ARGV[1] .. '}:journal:', 0
for _, key in ipairs(redis.call('KEYS', '*')) do
  if string.sub(key, 1, #journals) ~= journals then gone = gone + redis.call('UNLINK', key) end
end
return gone
"""


@dataclass(frozen=True, slots=True)
class KeptFiles:
    """The files of one embedded Redis, whose journals belong to the deployment with this prefix."""

    folder: Path
    prefix: str

    def forget_the_rest(self, host: str, port: int) -> bool:
        """Have the server forget all but the journals; whether it did.

        To be called before anybody else uses it: a value of the last run is never seen by this one.
        """
        orders = (
            (b"EVAL", _FORGET, b"0", self.prefix.encode()),
            (b"SELECT", b"1"),
            (b"FLUSHDB",),
            # Or the file would go on saying what was forgotten. It may be refused: one may be under way.
            (b"BGREWRITEAOF",),
        )
        answers = _answers(host, port, orders)
        return len(answers) == len(orders) and not any(line.startswith(b"-") for line in answers[:-1])

    def put_aside(self, last_lines: Sequence[str]) -> str | None:
        """After its end: where it could not read its files, put them aside and return a line about it.

        None where it ended for another reason. The files of the newest `KEPT_ASIDE` times are kept, older
        ones deleted. Raises nothing: what cannot be moved or deleted is said.
        """
        if not any(_UNREADABLE.search(line) for line in last_lines):
            return None
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        found = sorted(self.folder.glob(_FILES))
        try:
            for path in found:
                path.rename(path.with_name(f"{_ASIDE}-{stamp}-{path.name}"))
        except OSError as error:
            return f"redis cannot read what it kept, and {self.folder} cannot be changed ({error.strerror})"
        names = ", ".join(str(path.with_name(f"{_ASIDE}-{stamp}-{path.name}")) for path in found)
        said = f"redis cannot read what it kept: its alerts begin anew; put aside as {names or 'nothing'}"
        return "; ".join((said, *self._delete_older_than(stamp)))

    def _delete_older_than(self, newest: str) -> list[str]:
        """Delete what was put aside before the newest times, and say for each whether it is gone.

        `newest` is that of the present, whatever the clock says: it is never deleted.
        """
        aside: dict[str, list[Path]] = {}
        for path in sorted(self.folder.glob(f"{_ASIDE}-*")):
            if found := _ASIDE_AT.match(path.name):
                aside.setdefault(found[1], []).append(path)
        before = sorted(set(aside) - {newest})
        kept = KEPT_ASIDE - (newest in aside)
        return [_delete(path) for stamp in before[: max(0, len(before) - kept)] for path in aside[stamp]]


def _delete(path: Path) -> str:
    """Delete a file or a folder; a sentence about it."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as error:
        return f"{path} cannot be deleted ({error.strerror})"
    return f"deleted {path}, older than {KEPT_ASIDE} others"


def _answers(host: str, port: int, orders: Sequence[Sequence[bytes]]) -> list[bytes]:
    """A line for each order, as many as came in time; each must be one that is answered by one line."""
    sent = b"".join(
        b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)
        for words in orders
    )
    try:
        with (
            socket.create_connection((host, port), timeout=_WITHIN_S) as connection,
            connection.makefile("rb") as said,
        ):
            connection.sendall(sent)
            return [line for _ in orders if (line := said.readline()).endswith(b"\r\n")]
    except OSError:
        return []
