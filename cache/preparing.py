"""From a write as it was asked for to one on its way: its times, its envelope, what it must be newer than."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cache import codec, envelope
from cache.entry import Entry, Put
from cache.tiers.base import Item

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cache.graph import Catalogue
    from cache.hub import Hub
    from cache.keys import Key

    Read = Mapping[Key, Entry]

# Redis serves nobody else while it stores a batch, so a batch of many megabytes goes in parts.
MOST_BYTES_AT_ONCE = 4 * 1024 * 1024


class Preparer:
    """Raises NotCacheable for a value that msgpack cannot carry."""

    def __init__(self, *, catalogue: Catalogue, usable_for: float, hub: Hub) -> None:
        self._catalogue = catalogue
        self._usable_for = usable_for
        self._hub = hub

    def prepared(self, put: Put, read: Read, now: float) -> Item:
        """One write, `read` being the entries of those inputs that were named by their keys."""
        key, kind = put.key, put.key.kind
        inputs = self._known(put, read, now) if put.inputs else ()
        as_of = put.as_of
        if as_of is None:
            as_of = min((entry.as_of for entry in inputs), default=now)
        natural = kind.fresh_until(
            as_of=as_of, now=now, ttl=self._catalogue.lifetime(kind), params=key.params
        )
        fresh_until = natural
        for entry in inputs:
            fresh_until = min(fresh_until, entry.fresh_until)
        usable_until = max(natural, now) + self._usable_for
        body, compressed = codec.pack(put.value)
        rest = envelope.rest_of(key, body, (as_of, now, fresh_until, usable_until), writer=self._hub.writer)
        # Unpacked again, it is what everybody else reads, and nothing that its maker still holds.
        value = codec.unpack(body, compressed=compressed)
        token = None if put.token is None else put.token.version
        inputs_read_at = self._versions(put, token) if put.inputs else ()
        return Item(
            key, rest, compressed, value, as_of, now, fresh_until, usable_until, token, inputs_read_at
        )

    def _known(self, put: Put, read: Read, now: float) -> list[Entry]:
        """The inputs there are; of one that is named by its key the present one, whatever was read of it."""
        token = 0 if put.token is None else put.token.version
        known = []
        for one in put.inputs:
            entry = one if isinstance(one, Entry) else read.get(one)
            if entry is None:
                continue
            if entry is not one and 0 < self._hub.floors.expired_at(entry.key.text) <= token < entry.version:
                # It was expired before the caller began, and renewed since: what was read was the old value.
                entry = entry.stale_at(now)
            known.append(entry)
        return known

    def _versions(self, put: Put, token: int | None) -> tuple[tuple[str, int], ...]:
        """Each input with the version it was read at: its own, or the token's for one without an entry."""
        read_at = token if token is not None else self._hub.known
        return tuple(
            (one.key.text, one.version) if isinstance(one, Entry) else (one.text, read_at)
            for one in put.inputs
        )


def in_parts(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """The batch in runs of a few megabytes each; nearly always one."""
    start, size = 0, 0
    for at, item in enumerate(items):
        length = len(item.rest)
        size += length
        if size > MOST_BYTES_AT_ONCE and at > start:
            yield items[start:at]
            start, size = at, length
    yield items[start:]
