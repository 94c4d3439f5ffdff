"""How many threads of a fetcher may wait for one exchange: one that hangs leaves some to the others."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING

from checks import threads_for_one

if TYPE_CHECKING:
    from collections.abc import Iterator


class Slots:
    """Counts who is asking which exchange; at most `most` at once for each."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._taken: Counter[str] = Counter()
        self._lock = Lock()

    @contextmanager
    def taken(self, exchange: str) -> Iterator[bool]:
        """Take a slot for the block, if there is one: whether there was."""
        with self._lock:
            free = self._taken[exchange] < self.most
            self._taken[exchange] += free
        try:
            yield free
        finally:
            with self._lock:
                self._taken[exchange] -= free


@lru_cache
def slots_of(threads: int, exchanges: int) -> Slots:
    """Those of this process."""
    return Slots(threads_for_one(threads, exchanges))
