"""How the Lua operations are spoken to, and what they answer, in our own terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from cache import envelope
from cache.tiers.base import Cascade, Commit, Snapshot, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cache.entry import Reason
    from cache.tiers.base import Item

MOST_BYTES = 16 * 1024 * 1024
MOST_FENCES = 20_000
VERDICTS: tuple[Verdict, ...] = ("fresh", "stale", "skipped", "too_large")
_encode = msgspec.msgpack.Encoder().encode
_decode_cascade = msgspec.msgpack.Decoder(
    tuple[int, int, tuple[str, ...], tuple[str, ...], tuple[str, ...]]
).decode


def batch(items: Sequence[Item]) -> tuple[bytes, bytes]:
    """A batch as commit.lua reads it: what is to be known of each item, and all envelopes in one piece."""
    rests = b"".join([item.rest for item in items if len(item.rest) <= MOST_BYTES])
    return _encode([_described(item) for item in items]), rests


def committed(answer: Sequence[Any]) -> Commit:
    """What commit.lua decided."""
    previous, version, verdicts = answer
    return Commit(version, previous, tuple([VERDICTS[verdict] for verdict in verdicts]))


def cascaded(answer: bytes) -> Cascade:
    """What invalidate.lua touched."""
    previous, version, touched, softened, as_of_then = _decode_cascade(answer)
    return Cascade(version, previous, touched, softened, as_of_then, announced=True)


def told(answer: Sequence[Any]) -> tuple[Snapshot, int]:
    """What sync.lua says, and the server's time in microseconds."""
    version, incarnation, generation, floor, now_us, fences, removals, late = answer
    known = [int(float(score)) for score in fences[1::2]]
    settled = _settled_late(late)
    snapshot = Snapshot(
        version=version,
        incarnation=incarnation,
        generation=generation,
        floor=floor,
        complete_since=known[-1] if len(known) >= MOST_FENCES else 0,
        fences={**settled["expire"], **dict(zip(_texts(fences), known, strict=True))},
        removals={
            **settled["remove"],
            **{text: int(float(at)) for text, at in zip(_texts(removals), removals[1::2], strict=True)},
        },
    )
    return snapshot, now_us


def _described(item: Item) -> tuple[Any, ...]:
    length = len(item.rest)
    computed = envelope.COMPUTED if item.token or item.inputs else 0
    return (
        item.key.text,
        computed | (envelope.COMPRESSED if item.compressed else 0),
        str(max(1, int((item.usable_until - item.stored_at) * 1000))),
        item.token or 0,
        item.pinned or 0,
        [part for pair in item.inputs for part in pair] if item.inputs else (),
        int(item.key.kind.gathers),
        length if length <= MOST_BYTES else 0,
    )


def _texts(flat: Sequence[bytes]) -> list[str]:
    """The texts of a flat list of text and score."""
    return [text.decode() for text in flat[::2]]


def _settled_late(flat: Sequence[bytes]) -> dict[Reason, dict[str, int]]:
    """Invalidations that were made while Redis was away, under the versions they were given then."""
    settled: dict[Reason, dict[str, int]] = {"expire": {}, "remove": {}}
    for text in _texts(flat):
        reason, version, name = text.split("|", 2)
        settled["remove" if reason == "remove" else "expire"][name] = int(version)
    return settled
