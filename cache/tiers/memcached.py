"""L2: one or several Memcached servers on a ring; a lost server costs its share and nothing else."""

from __future__ import annotations

import hashlib
import math
import re
import time
from bisect import bisect_right
from typing import TYPE_CHECKING

from cache.tiers.memcached_node import MOST_BYTES, MemcachedNode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cache.breaker import Breaker
    from cache.entry import Outcome
    from cache.tiers.base import Sealed

LONGEST_KEY = 250
LONGEST_LIFE_S = 30 * 24 * 3600
POINTS = 128
GENERATION = "generation"
_UNCARRIED = re.compile(rb"[\x00-\x20\x7f]")
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
            node.missed_writes = False

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
        found: dict[str, bytes] = {}
        for node, share in self._shares(texts, generation).items():
            bodies = node.fetch(tuple(share))
            found.update((share[key], body) for key, body in bodies.items())
        return found

    def store(self, items: Sequence[Sealed], generation: int, *, fill: bool) -> dict[str, Outcome]:
        """Write in one round trip per server; what is too large is skipped and what it replaces goes."""
        outcomes: dict[str, Outcome] = {item.text: "skipped" for item in items}
        by_text = {item.text: item for item in items}
        fitting = [item.text for item in items if len(item.body) <= MOST_BYTES]
        now = self._clock()
        for node, share in self._shares(fitting, generation).items():
            batch = [
                (key, by_text[text].body, _seconds(by_text[text].usable_until - now))
                for key, text in share.items()
            ]
            words = node.store(b"add" if fill else b"set", batch)
            for text, word in zip(share.values(), words, strict=True):
                outcomes[text] = OUTCOMES.get(word, "failed")
        oversized = by_text.keys() - set(fitting)
        if oversized and not fill:
            self.drop(tuple(oversized), generation)
        return outcomes

    def drop(self, texts: Sequence[str], generation: int) -> bool:
        """Delete; False when a server could not be told."""
        told = [node.drop(tuple(share)) for node, share in self._shares(texts, generation).items()]
        return all(told)

    def keep_generation(self, generation: int) -> None:
        """Leave the number here, too, for processes that start while Redis is away."""
        node = self._node(GENERATION)
        node.store(b"set", [(self.wire_key(GENERATION, 0), b"%d" % generation, LONGEST_LIFE_S)])

    def recall_generation(self) -> int | None:
        """The number that was left here, if any."""
        key = self.wire_key(GENERATION, 0)
        found = self._node(GENERATION).fetch((key,)).get(key, b"")
        return int(found) if found.isdigit() else None

    def wire_key(self, text: str, generation: int) -> bytes:
        """The key as Memcached carries it; hashed when it is too long or has spaces or control characters."""
        head, tail = f"{self._prefix}:{generation}:".encode(), text.encode()
        if len(head) + len(tail) > LONGEST_KEY or _UNCARRIED.search(tail):
            tail = b"#" + hashlib.blake2b(tail, digest_size=24).hexdigest().encode()
        return head + tail

    def _shares(self, texts: Iterable[str], generation: int) -> dict[MemcachedNode, dict[bytes, str]]:
        shares: dict[MemcachedNode, dict[bytes, str]] = {}
        for text in texts:
            shares.setdefault(self._node(text), {})[self.wire_key(text, generation)] = text
        return shares

    def _node(self, text: str) -> MemcachedNode:
        if len(self.nodes) == 1:
            return self.nodes[0]
        return self._ring[bisect_right(self._points, _point(text)) % len(self._ring)][1]


def _point(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())


def _seconds(life_s: float) -> int:
    # Whole seconds, rounded up: the envelope's own time decides. Above 30 days it would be a date.
    return max(1, min(LONGEST_LIFE_S, math.ceil(life_s)))
