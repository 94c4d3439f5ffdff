"""`inspect KEY`: all that can be known of one key, gathered into one document."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from cache import envelope
from cache.operators import neighbours
from cache.operators.judging import Judgement, judged

if TYPE_CHECKING:
    from cache.keys import Key
    from cache.operators.desk import Desk
    from cache.operators.looking import Found, Held, Order

MOST_RELATED = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """One tier's, or one server's, answer. `state` is how it would be served from there."""

    tier: str
    where: str
    answered: bool = True
    found: bool = False
    state: str = "absent"
    why: str = ""
    version: int | None = None
    wire_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes as stored, with the envelope, and of the value alone before it was compressed."""

    wire_bytes: int
    plain_bytes: int
    compressed: bool


@dataclass(frozen=True, slots=True)
class Relative:
    """A key that this one was made of, or that was made of it, and how it would be served."""

    key: str
    state: str
    why: str
    fresh_for_s: float
    age_s: float | None


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything about one key. Times are Unix seconds, `_s` lengths in seconds, versions count microseconds.

    It is `found` when a reader would get it, fresh or stale. `uses` has the uses of the last hour by role,
    where the key is among the most used.
    """

    key: str
    kind: str
    params: dict[str, str]
    now: float
    found: bool
    state: str
    why: str
    places: tuple[Place, ...]
    lifetime_s: float
    as_of: float | None
    age_s: float | None
    stored_at: float | None
    fresh_until: float | None
    fresh_for_s: float
    usable_until: float | None
    usable_for_s: float
    version: int | None
    writer: int
    written_by: str | None
    uses: dict[str, int]
    fence: int
    removal: int
    floor: int
    generation: int
    below_fence: bool
    below_removal: bool
    below_floor: bool
    size: Size | None
    derived_from: tuple[Relative, ...]
    derived_from_complete: bool
    derives: tuple[Relative, ...]
    derives_complete: bool
    value: Any
    nearest: str | None = None


def inspected(desk: Desk, key: Key) -> Inspection:
    """Look at everything that is known of the key."""
    looker, now = desk.looker, desk.clock()
    order, held = looker.order(), looker.held((key.text,))[key.text]
    best, body, places = _looked_everywhere(desk, held, order, now)
    parents = looker.inputs_of(key.text, key.kind.derived_from, MOST_RELATED)
    children = looker.derived((key.text,), MOST_RELATED)[key.text]
    entry, version = best.entry, best.entry.version if best.entry is not None else math.inf
    return Inspection(
        key=key.text,
        kind=key.kind.name,
        params=dict(key.params),
        now=now,
        found=best.state in {"fresh", "stale"},
        state=best.state,
        why=best.why,
        places=places,
        lifetime_s=desk.catalogue.lifetime(key.kind),
        as_of=entry.as_of if entry is not None else None,
        age_s=entry.age if entry is not None else None,
        stored_at=entry.stored_at if entry is not None else None,
        fresh_until=entry.fresh_until if entry is not None else None,
        fresh_for_s=best.fresh_for_s,
        usable_until=entry.usable_until if entry is not None else None,
        usable_for_s=entry.usable_for if entry is not None and best.state != "gone" else 0.0,
        version=entry.version if entry is not None else None,
        writer=entry.writer if entry is not None else 0,
        written_by=looker.process(entry.writer) if entry is not None else None,
        uses=looker.uses(key.text, now),
        fence=held.fence,
        removal=held.removal,
        floor=order.floor,
        generation=order.generation,
        below_fence=version < held.fence,
        below_removal=version < held.removal,
        below_floor=version < order.floor,
        size=_size(best, body),
        derived_from=_relatives(desk, parents),
        derived_from_complete=parents.complete,
        derives=_relatives(desk, children),
        derives_complete=children.complete,
        value=None if entry is None else entry.value,
    )


def _looked_everywhere(
    desk: Desk, held: Held, order: Order, now: float
) -> tuple[Judgement, bytes | None, tuple[Place, ...]]:
    """What Redis holds, else what Memcached does, and all the places."""
    bodies = [("l3", desk.looker.address, held.body, True)]
    bodies += [
        ("l2", one.server, one.body, one.answered)
        for one in neighbours.copies(desk.tiers, held.text, order.generation)
    ]
    places = []
    best: tuple[Judgement, bytes | None] = (Judgement("absent"), None)
    for tier, where, body, answered in bodies:
        found = judged(held, desk.catalogue, body=body, tier=tier, floor=order.floor, now=now)
        if found.entry is not None and best[0].entry is None:
            best = (found, body)
        elif found.state == "fresh" and found.entry is not None and best[0].entry is not None:
            found = _beside(found, found.entry.version, best[0].entry.version)
        version = None if found.entry is None else found.entry.version
        size = None if body is None else len(body)
        places.append(Place(tier, where, answered, body is not None, found.state, found.why, version, size))
    return *best, tuple(sorted(places, key=lambda place: place.tier))


def _beside(copy: Judgement, version: int, version_in_redis: int) -> Judgement:
    """A copy that a write has overtaken is not served, though nothing else is wrong with it."""
    if version >= version_in_redis:
        return copy
    return replace(copy, state="stale", why="Redis holds a newer one")


def _size(best: Judgement, body: bytes | None) -> Size | None:
    if body is None or best.entry is None:
        return None
    plain = len(msgspec.msgpack.encode(best.entry.value))
    return Size(len(body), plain, bool(body[1] & envelope.COMPRESSED))


def _relatives(desk: Desk, found: Found) -> tuple[Relative, ...]:
    return tuple(
        Relative(text, one.state, one.why, one.fresh_for_s, None if one.entry is None else one.entry.age)
        for text, one in desk.state(sorted(found.texts)).items()
    )


def with_nearest(seen: Inspection, near: str | None) -> Inspection:
    """The same with the name of the stored key that is most like it."""
    return replace(seen, nearest=near)
