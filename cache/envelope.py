"""How an entry travels: a fixed head that Redis itself can read and mark, then key and value.

 0  magic      1 byte
 1  flags      1 byte    EXPIRED, COMPRESSED, REMOVED
 2  version    8 bytes   big-endian double, filled in by whoever decides the order
10  as_of, stored_at, fresh_until, usable_until   4 doubles
42  the number of the process that wrote it, 4 bytes
46  length of the key's text, 2 bytes, then the text and the value's bytes
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from cache import codec
from cache.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from cache.keys import Key

MAGIC = 0xA8
EXPIRED = 1
COMPRESSED = 2
REMOVED = 4
_HEAD = struct.Struct(">BBd")
_TIMES = struct.Struct(">ddddIH")
_WHOLE = struct.Struct(">BBdddddIH")


class Draft(NamedTuple):
    """An envelope without its first ten bytes: `rest` follows flags and version."""

    flags: int
    rest: bytes

    def sealed(self, version: int, *, expired: bool) -> bytes:
        """The whole envelope."""
        return _HEAD.pack(MAGIC, self.flags | (EXPIRED if expired else 0), version) + self.rest


def draft(
    key: Key, packed: tuple[bytes, bool], times: tuple[float, float, float, float], *, writer: int = 0
) -> Draft:
    """An envelope for a packed value; `times` are as_of, stored_at, fresh_until and usable_until."""
    body, compressed = packed
    text = key.text.encode()
    return Draft(COMPRESSED if compressed else 0, _TIMES.pack(*times, writer, len(text)) + text + body)


def opened(key: Key, body: bytes, *, tier: str, clock: Callable[[], float]) -> Entry | None:
    """The entry inside, or None when these bytes are no envelope of this key."""
    try:
        magic, flags, version, as_of, stored_at, fresh_until, usable_until, writer, length = (
            _WHOLE.unpack_from(body)
        )
        start = _WHOLE.size + length
        if magic != MAGIC or body[_WHOLE.size : start] != key.text.encode():
            return None
        value = codec.unpack(memoryview(body)[start:], compressed=bool(flags & COMPRESSED))
    except (struct.error, ValueError):
        return None
    if flags & EXPIRED:
        fresh_until = min(fresh_until, stored_at)
    return Entry(key, value, as_of, stored_at, fresh_until, usable_until, int(version), tier, clock, writer)


def marked_expired(body: bytes) -> bytes:
    """The same envelope, no longer fresh."""
    return body[:1] + bytes((body[1] | EXPIRED,)) + body[2:]


def removal(text: str, version: int) -> bytes:
    """A stone in the place of an entry: whatever of this key is older than `version` is gone."""
    name, (body, _) = text.encode(), codec.pack(None)
    head = _WHOLE.pack(MAGIC, EXPIRED | REMOVED, version, 0.0, 0.0, 0.0, math.inf, 0, len(name))
    return head + name + body


def is_removal(body: bytes) -> bool:
    """Whether this envelope is such a stone."""
    return bool(body[1] & REMOVED)


def numbered(entry: Entry, version: int, *, expired: bool) -> Entry:
    """The entry as it will be read: under its version, and not fresh if it was born stale."""
    fresh_until = min(entry.fresh_until, entry.stored_at) if expired else entry.fresh_until
    return msgspec.structs.replace(entry, version=version, fresh_until=fresh_until)
