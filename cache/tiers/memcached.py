"""L2: one or several Memcached servers on a ring; a lost server costs its share and nothing else."""

from __future__ import annotations

import hashlib
import math
import re
import time
from bisect import bisect_right
from functools import partial
from typing import TYPE_CHECKING

from cache import envelope
from cache.tiers.memcached_node import MOST_BYTES, MemcachedNode

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from cache.breaker import Breaker
    from cache.entry import Outcome
    from cache.tiers.base import Sealed

LONGEST_KEY = 250
LONGEST_LIFE_S = 30 * 24 * 3600
POINTS = 128
GENERATION = "generation"
KIND = "kind "
MOST_REMEMBERED = 50_000
_UNCARRIED = re.compile(rb"[\x00-\x20\x7f]")
_Sent = tuple[str, tuple[bytes, bytes, int]]
OUTCOMES: dict[bytes, Outcome] = {b"STORED": "stored", b"NOT_STORED": "skipped"}


class MemcachedTier:
    """Keys carry a prefix and a generation number; what the protocol cannot carry is hashed."""

    name = "l2"
    installed = True

    def __init__(
        self,
        *,
        servers: Sequence[str],
        prefix: str,
        clock: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._prefix = prefix
        self._clock = clock
        self.nodes = tuple(MemcachedNode(server, monotonic=monotonic) for server in servers)
        points = ((_point(f"{node.name}#{i}"), node) for node in self.nodes for i in range(POINTS))
        self._ring = sorted(points, key=lambda point: point[0])
        self._points = [point for point, _ in self._ring]
        self._wires: tuple[int, dict[str, bytes]] = (-1, {})

    def breakers(self) -> Sequence[Breaker]:
        """One for each server."""
        return tuple(node.breaker for node in self.nodes)

    @property
    def missed_writes(self) -> bool:
        """Whether a server was not told of a write since this was last cleared."""
        return any(node.missed_writes for node in self.nodes)

    def clear_missed_writes(self) -> None:
        """What was missed has been made unreachable."""
        for node in self.nodes:
            node.forgive()

    def reopen(self) -> None:
        """Forget every socket: this process is a fork."""
        for node in self.nodes:
            node.reopen()

    def close(self) -> None:
        """Let go of the connections."""
        for node in self.nodes:
            node.close()

    def fetch(self, texts: Sequence[str], generation: int) -> dict[str, bytes]:
        """The bodies found, in one round trip per server; a broken server's keys are missing."""
        if len(self.nodes) == 1:
            keys = self._wire_keys(texts, generation)
            return _paired(texts, self.nodes[0].fetch(keys))
        found: dict[str, bytes] = {}
        for node, share in self._shares(texts, generation).items():
            found.update(_paired(tuple(share.values()), node.fetch(tuple(share))))
        return found

    def store(self, items: Sequence[Sealed], generation: int, *, fill: bool) -> dict[str, Outcome]:
        """Write in one round trip per server; what is too large is skipped and what it replaces goes."""
        outcomes: dict[str, Outcome] = {}
        oversized = [item.text for item in items if len(item.body) > MOST_BYTES]
        for node, share in self._batches(items, generation).items():
            words = node.store(b"add" if fill else b"set", [sent for _, sent in share])
            for (text, _), word in zip(share, words, strict=True):
                outcomes[text] = OUTCOMES.get(word, "failed")
        for text in oversized:
            outcomes[text] = "skipped"
        if oversized and not fill:
            self.drop(oversized, generation)
        return outcomes

    def drop(self, texts: Sequence[str], generation: int) -> bool:
        """Delete; False when a server could not be told."""
        told = [node.drop(tuple(share)) for node, share in self._shares(texts, generation).items()]
        return all(told)

    def mark_below(self, versions: Mapping[str, int], generation: int) -> None:
        """Mark as expired what is older than its version; what is written meanwhile stays as it is."""
        now = self._clock()
        for node, share in self._shares(tuple(versions), generation).items():
            below = {key: versions[text] for key, text in share.items()}
            node.mark(tuple(share), partial(_marked, below=below, now=now))

    def post(self, generation: int | None = None, kinds: Mapping[str, int] | None = None) -> None:
        """Leave word, for all who cannot ask Redis: the generation, and floors of whole kinds."""
        told = {f"{KIND}{name}": version for name, version in (kinds or {}).items()}
        if generation is not None:
            told[GENERATION] = generation
        # Others leave word as well, by clocks of their own: the highest stands.
        there = self._numbers(tuple(told))
        for text, number in told.items():
            if number > there.get(text, -1):
                key = self.wire_key(text, 0)
                self._node(text).store(b"set", [(key, b"%d" % number, LONGEST_LIFE_S)])

    def recall(self, kinds: Collection[str] = ()) -> tuple[int | None, dict[str, int]]:
        """The word that was left: the generation, and the floors of these kinds; None and missing if none."""
        numbers = self._numbers((GENERATION, *(f"{KIND}{name}" for name in kinds)))
        generation = numbers.pop(GENERATION, None)
        return generation, {text.removeprefix(KIND): number for text, number in numbers.items()}

    def _numbers(self, texts: Sequence[str]) -> dict[str, int]:
        found = self.fetch(texts, 0)
        return {text: int(body) for text, body in found.items() if body.isdigit()}

    def wire_key(self, text: str, generation: int) -> bytes:
        """The key as Memcached carries it; hashed when it is too long or has spaces or control characters."""
        head, tail = f"{self._prefix}:{generation}:".encode(), text.encode()
        if len(head) + len(tail) > LONGEST_KEY or _UNCARRIED.search(tail):
            tail = b"#" + hashlib.blake2b(tail, digest_size=24).hexdigest().encode()
        return head + tail

    def _batches(self, items: Sequence[Sealed], generation: int) -> dict[MemcachedNode, list[_Sent]]:
        """What each server is to store: with each text its key, its body and its seconds."""
        now, lives = self._clock(), dict[float, int]()
        keys = self._wire_keys([item.text for item in items], generation)
        batches: dict[MemcachedNode, list[_Sent]] = {node: [] for node in self.nodes}
        home = self.nodes[0] if len(self.nodes) == 1 else None
        for (text, body, until), key in zip(items, keys, strict=True):
            if len(body) <= MOST_BYTES:
                # A batch has few different ends.
                seconds = lives.get(until) or lives.setdefault(until, _seconds(until - now))
                batches[home or self._node(text)].append((text, (key, body, seconds)))
        return {node: batch for node, batch in batches.items() if batch}

    def _wire_keys(self, texts: Sequence[str], generation: int) -> list[bytes]:
        """The keys as Memcached carries them; those in use are remembered, up to a bound."""
        of, known = self._wires
        if of != generation or len(known) > MOST_REMEMBERED:
            known = {}
            self._wires = (generation, known)
        try:
            return [known[text] for text in texts]
        except KeyError:
            known.update((text, self.wire_key(text, generation)) for text in texts if text not in known)
            return [known[text] for text in texts]

    def _shares(self, texts: Sequence[str], generation: int) -> dict[MemcachedNode, dict[bytes, str]]:
        shares: dict[MemcachedNode, dict[bytes, str]] = {}
        for text, key in zip(texts, self._wire_keys(texts, generation), strict=True):
            shares.setdefault(self._node(text), {})[key] = text
        return shares

    def _node(self, text: str) -> MemcachedNode:
        if len(self.nodes) == 1:
            return self.nodes[0]
        return self._ring[bisect_right(self._points, _point(text)) % len(self._ring)][1]


def _paired(texts: Sequence[str], bodies: Sequence[bytes | None]) -> dict[str, bytes]:
    return {text: body for text, body in zip(texts, bodies, strict=False) if body is not None}


def _marked(key: bytes, body: bytes, *, below: Mapping[bytes, int], now: float) -> tuple[bytes, int] | None:
    if not 0 < envelope.version_of(body) < below[key] or envelope.is_expired(body):
        return None
    return envelope.marked_expired(body), _seconds(envelope.usable_until_of(body) - now)


def _point(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())


def _seconds(life_s: float) -> int:
    # Whole seconds, rounded up: the envelope's own time decides. Above 30 days it would be a date.
    return max(1, min(LONGEST_LIFE_S, math.ceil(life_s)))
