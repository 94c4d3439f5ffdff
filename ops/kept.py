"""What the embedded Redis keeps on disk, and what a new start lets it keep: the journals, such as alerts.

Everything else in it is computed again within minutes, and may be of another world: other recordings, another
seed, symbols that nobody follows any more.
"""

from __future__ import annotations

import re
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

        None where it ended for another reason. Raises nothing: what cannot be moved is said.
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
        return f"redis cannot read what it kept: its alerts begin anew; put aside as {names or 'nothing'}"


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
