"""How an entry travels: a fixed head that Redis itself can read, then key and value.

 0  magic      1 byte
 1  flags      1 byte    EXPIRED, COMPRESSED, REMOVED, UNSETTLED, COMPUTED (in Redis only)
 2  version    8 bytes   filled in by whoever decides the order; like all here big-endian
10  as_of, stored_at, fresh_until, usable_until   4 doubles
42  the number of the process that wrote it, 4 bytes
46  length of the key's text, 2 bytes, then the text and the value's bytes
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING

from cache import codec
from cache.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from cache.keys import Key

MAGIC = 0xA8
EXPIRED = 1
COMPRESSED = 2
REMOVED = 4
UNSETTLED = 8
COMPUTED = 16
_HEAD = struct.Struct(">BBQ")
_TIMES = struct.Struct(">ddddIH")
_WHOLE = struct.Struct(">BBQddddIH")
_unpack = _WHOLE.unpack_from
HEAD_SIZE = _WHOLE.size


def rest_of(key: Key, body: bytes, times: tuple[float, float, float, float], *, writer: int = 0) -> bytes:
    """All but flags and version, for packed bytes; `times`: as_of, stored_at, fresh_until, usable_until."""
    text = key.raw
    return _TIMES.pack(*times, writer, len(text)) + text + body


def sealed(
    rest: bytes, version: int, *, compressed: bool, expired: bool = False, unsettled: bool = False
) -> bytes:
    """The whole envelope; `unsettled` says that Redis has not agreed to it yet."""
    flags = compressed * COMPRESSED | expired * EXPIRED | unsettled * UNSETTLED
    return _HEAD.pack(MAGIC, flags, version) + rest


def opened(key: Key, body: bytes, tier: str, clock: Callable[[], float]) -> Entry | None:
    """The entry inside, or None when these bytes are no envelope of this key."""
    try:
        magic, flags, version, as_of, stored_at, fresh_until, usable_until, writer, length = _unpack(body)
        if magic != MAGIC or length != len(key.raw) or not body.startswith(key.raw, HEAD_SIZE):
            return None
        value = codec.unpack(body[HEAD_SIZE + length :], compressed=flags & COMPRESSED != 0)
    except (struct.error, ValueError):
        return None
    if flags & EXPIRED:
        fresh_until = min(fresh_until, stored_at)
    return Entry(key, value, as_of, stored_at, fresh_until, usable_until, version, tier, clock, writer)


def version_of(body: bytes) -> int:
    """The version in the head, 0 when these bytes are no envelope."""
    magic, _, version = _HEAD.unpack_from(body) if len(body) >= HEAD_SIZE else (0, 0, 0)
    return version if magic == MAGIC else 0


def usable_until_of(body: bytes) -> float:
    """The end of the usable time in an envelope, in Unix seconds."""
    return float(_unpack(body)[6])


def marked_expired(body: bytes) -> bytes:
    """The same envelope, no longer fresh; what is none stays as it is."""
    if version_of(body) == 0:
        return body
    return body[:1] + bytes((body[1] | EXPIRED,)) + body[2:]


def removal(text: str, version: int) -> bytes:
    """A stone in the place of an entry: whatever of this key is older than `version` is gone."""
    name, (body, _) = text.encode(), codec.pack(None)
    head = _WHOLE.pack(MAGIC, EXPIRED | REMOVED, version, 0.0, 0.0, 0.0, math.inf, 0, len(name))
    return head + name + body


def is_expired(body: bytes) -> bool:
    """Whether this envelope says that its value is not fresh."""
    return bool(body[1] & EXPIRED)


def is_unsettled(body: bytes) -> bool:
    """Whether this was written while Redis was away, and has not been heard by it since."""
    return bool(body[1] & UNSETTLED)


def is_removal(body: bytes) -> bool:
    """Whether this envelope is such a stone."""
    return bool(body[1] & REMOVED)
