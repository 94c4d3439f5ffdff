"""One Memcached server: a pool of connections that waits, a budget, and a breaker."""

from __future__ import annotations

import time
from collections import deque
from threading import Condition
from typing import TYPE_CHECKING, Any, TypeVar

from pymemcache.exceptions import MemcacheError

from cache.breaker import Breaker
from cache.tiers.wire import BatchClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

BUDGET_S = 0.05
BUDGET_PER_KEY_S = 0.0005
BUDGET_PER_BYTE_S = 1e-8
CONNECTIONS = 32
# The server's default limit for an item is 1 MB, head and key included.
MOST_BYTES = 1_000_000
MOST_MISSED = 10_000

Answer = TypeVar("Answer")


class Busy(Exception):
    """All connections are in use; the server may be quite well."""


class Pool:
    """At most so many connections; who finds none waits for one, not longer than asked."""

    def __init__(self, make: Callable[[], BatchClient], most: int) -> None:
        self._make = make
        self._idle: deque[BatchClient] = deque()
        self._spare = most
        self._waiting = 0
        self._free = Condition()

    def take(self, within_s: float) -> BatchClient:
        """A connection of one's own; raises Busy."""
        try:
            # A deque is safe without the lock, and nearly always there is one.
            return self._idle.pop()
        except IndexError:
            return self._made_or_awaited(within_s)

    def give(self, client: BatchClient) -> None:
        """Put it back."""
        self._idle.append(client)
        if self._waiting:
            with self._free:
                self._free.notify()

    def close(self) -> None:
        """Close what is idle."""
        with self._free:
            while self._idle:
                self._idle.pop().close()
                self._spare += 1

    def _made_or_awaited(self, within_s: float) -> BatchClient:
        with self._free:
            if not self._spare:
                return self._awaited(within_s)
            self._spare -= 1
        return self._make()

    def _awaited(self, within_s: float) -> BatchClient:
        until = time.monotonic() + within_s
        self._waiting += 1
        try:
            while (left_s := until - time.monotonic()) > 0:
                # Looked for after saying that one waits: whoever gives one back later, notifies.
                try:
                    return self._idle.pop()
                except IndexError:
                    self._free.wait(left_s)
        finally:
            self._waiting -= 1
        raise Busy


class MemcachedNode:
    """Calls that cost at most their budget once; then the breaker is open and they cost nothing."""

    def __init__(self, server: str, *, monotonic: Callable[[], float]) -> None:
        host, _, port = server.rpartition(":")
        self.name = server
        self.missed_writes = False
        self._missed: dict[bytes, None] = {}
        self.breaker = Breaker(f"l2 {server}", clock=monotonic)
        self._address = (host.strip("[]"), int(port))
        self.reopen()

    def reopen(self) -> None:
        """A new pool: a fork must not share sockets with its parent."""
        self._pool = Pool(self._connect, CONNECTIONS)

    def close(self) -> None:
        """Let go of the connections."""
        self._pool.close()

    def fetch(self, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        """The values in the order of the keys; empty when the server cannot be asked."""
        return self._call(lambda client, until: client.fetch_batch(keys, until), _budget(len(keys))) or ()

    def store(self, verb: bytes, items: Sequence[tuple[bytes, bytes, int]]) -> Sequence[bytes]:
        """The server's word for each item, empty words when it cannot be asked."""
        budget_s = _budget(len(items), sum(len(body) for _, body, _ in items))
        words = self._call(lambda client, until: client.store_batch(verb, items, until), budget_s)
        if words is None:
            if verb == b"set":
                self._miss(key for key, _, _ in items)
            return [b""] * len(items)
        answers: list[bytes] = words
        if verb == b"set" and any(word != b"STORED" for word in answers):
            self._drop_refused(items, answers)
        return answers

    def mark(self, keys: Sequence[bytes], marked: Callable[[bytes, bytes], tuple[bytes, int] | None]) -> None:
        """Replace what `marked` has a new (value, seconds) for, unless it was written meanwhile."""

        def swap(client: BatchClient, until: float) -> bool:
            found = client.fetch_marked(keys, until)
            new = ((key, marked(key, body), mark) for key, (body, mark) in found.items())
            items = [(key, *one, mark) for key, one, mark in new if one is not None]
            if items:
                client.swap_batch(items, until)
            return True

        if self._call(swap, _budget(2 * len(keys))) is None:
            self._miss(keys)

    def drop(self, keys: Sequence[bytes]) -> bool:
        """Delete; False when the server could not be told."""
        if self._call(lambda client, until: client.drop_batch(keys, until), _budget(len(keys))) is None:
            self._miss(keys)
            return False
        return True

    def answers(self) -> bool:
        """The breaker's probe: raises when the server is not well, False when nobody could ask."""
        self._pool.close()
        return self._call(lambda client, _: client.version(), BUDGET_S, probing=True) is not None

    def forget_missed(self) -> bool:
        """Delete what could not be written, or all there is if that was too much; raises when it fails."""
        keys = tuple(self._missed)
        if len(keys) > MOST_MISSED:
            self._call(lambda client, _: client.flush_all(noreply=False), BUDGET_S, probing=True)
        elif keys:
            self._call(lambda client, until: client.drop_batch(keys, until), _budget(len(keys)), probing=True)
        for key in keys:
            self._missed.pop(key, None)
        return True

    def forgive(self) -> None:
        """What it missed has been made unreachable."""
        self.missed_writes = False
        self._missed = {}

    def _miss(self, keys: Iterable[bytes]) -> None:
        self.missed_writes = True
        if len(self._missed) <= MOST_MISSED:
            self._missed.update(dict.fromkeys(keys))

    def _drop_refused(self, items: Sequence[tuple[bytes, bytes, int]], words: Sequence[bytes]) -> None:
        # A refused write must not leave the previous value in place.
        self.drop([key for (key, _, _), word in zip(items, words, strict=True) if word != b"STORED"])

    def _call(
        self, call: Callable[[BatchClient, float], Answer], budget_s: float, *, probing: bool = False
    ) -> Answer | None:
        if not (probing or self.breaker.closed):
            return None
        pool = self._pool
        try:
            client = pool.take(budget_s)
        except Busy:
            return None
        try:
            # Waiting for a connection is not the server's fault: its time begins here.
            return call(client, time.monotonic() + budget_s)
        except (MemcacheError, OSError, ValueError) as error:
            client.close()
            if probing:
                raise
            self.breaker.failed(error)
            return None
        finally:
            pool.give(client)

    def _connect(self) -> Any:
        return BatchClient(
            self._address, connect_timeout=BUDGET_S, timeout=BUDGET_S, no_delay=True, default_noreply=False
        )


def _budget(keys: int, size: int = 0) -> float:
    return BUDGET_S + BUDGET_PER_KEY_S * max(0, keys - 32) + BUDGET_PER_BYTE_S * size
