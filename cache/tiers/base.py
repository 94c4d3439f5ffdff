"""What the cache asks of its tiers. A broken tier answers None or "failed"; it never raises."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import msgspec

from cache.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cache.breaker import Breaker
    from cache.entry import Outcome, Reason
    from cache.keys import Key

# What a process asks all others to stop believing: nothing, what L2 holds, or all that is stored.
Abandon = Literal["", "generation", "floor"]
Verdict = Literal["fresh", "stale", "skipped", "too_large"]


class Item(msgspec.Struct, frozen=True, gc=False):
    """One write on its way: its envelope but for flags and version, and what it must be newer than.

    `value` is what readers will see. `token` fences the key itself; `inputs` pairs each input's text with
    the version it was read at; `pinned` is a version given earlier, while Redis was away.
    """

    key: Key
    rest: bytes
    compressed: bool
    value: Any
    as_of: float
    stored_at: float
    fresh_until: float
    usable_until: float
    token: int | None = None
    inputs: tuple[tuple[str, int], ...] = ()
    pinned: int | None = None

    def entry(self, version: int, *, expired: bool, clock: Callable[[], float], writer: int) -> Entry:
        """The entry that this write becomes under its version."""
        fresh_until = min(self.fresh_until, self.stored_at) if expired else self.fresh_until
        return Entry(
            self.key,
            self.value,
            self.as_of,
            self.stored_at,
            fresh_until,
            self.usable_until,
            version,
            "l1",
            clock,
            writer,
        )


@dataclass(frozen=True, slots=True)
class Commit:
    """One batch of writes, decided: its version, the one before, and what came of each item."""

    version: int
    previous: int
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Cascade:
    """One invalidation, done: its version, the one before, and the closure it touched.

    `softened` are those of the texts that were expired although the others were removed; `as_of_then` are
    those that were fenced under the version that the invalidation was given while Redis was away;
    `announced` says that Redis told all processes of it.
    """

    version: int
    previous: int
    texts: tuple[str, ...]
    softened: tuple[str, ...] = ()
    as_of_then: tuple[str, ...] = ()
    announced: bool = False

    def by_reason(self, reason: Reason) -> tuple[tuple[tuple[str, ...], Reason], ...]:
        """The texts touched, and what happened to them, for an invalidation of this reason."""
        if not self.softened:
            return ((self.texts, reason),)
        soft = frozenset(self.softened)
        hard = tuple(text for text in self.texts if text not in soft)
        return (self.softened, "expire"), (hard, reason)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What Redis knows now: the order's state and the fences since a version."""

    version: int
    incarnation: int
    generation: int
    floor: int
    complete_since: int = 0
    fences: dict[str, int] = field(default_factory=dict)
    removals: dict[str, int] = field(default_factory=dict)


class Sealed(NamedTuple):
    """An envelope ready for the shared memory tier, with its key and its end."""

    text: str
    body: bytes
    usable_until: float


class SharedMemory(Protocol):
    """L2: fast, shared, and without opinions. All keys live under a generation number."""

    name: str
    installed: bool

    def fetch(self, texts: Sequence[str], generation: int) -> dict[str, bytes]:
        """The bodies found, in one round trip per server; a broken server's keys are missing."""

    def store(self, items: Sequence[Sealed], generation: int, *, fill: bool) -> dict[str, Outcome]:
        """Write in one round trip per server; with `fill` only where nothing is."""

    def drop(self, texts: Sequence[str], generation: int) -> bool:
        """Delete; False when a server could not be told."""

    def mark_below(self, versions: Mapping[str, int], generation: int) -> None:
        """Mark as expired what is older than its version, unless it is written meanwhile."""

    def post(self, generation: int | None = None, kinds: Mapping[str, int] | None = None) -> None:
        """Leave word for those who cannot ask L3: the generation, and floors of whole kinds."""

    def breakers(self) -> Sequence[Breaker]:
        """One for each server."""

    def reopen(self) -> None:
        """Forget every socket: this process is a fork."""

    def close(self) -> None:
        """Let go of the connections."""


class Authority(Protocol):
    """L3: holds the truth and decides the order. None means that it could not be asked."""

    name: str
    installed: bool

    def fetch(self, texts: Sequence[str], *, fenced: bool = False) -> dict[str, bytes] | None:
        """The bodies found, in one round trip; with `fenced` those below their fence come marked expired."""

    def commit(self, items: Sequence[Item], *, heard: int, seen: int) -> Commit | None:
        """Store a batch, fenced and ordered, in one step."""

    def invalidate(
        self, texts: Sequence[str], reason: Reason, *, heard: int, seen: int, pinned: int | None = None
    ) -> Cascade | None:
        """Expire or remove keys and all that is derived from them, in one step."""

    def sync(self, *, heard: int, seen: int, since: int, abandon: Abandon = "") -> Snapshot | None:
        """The order's state and the fences raised after version `since`."""

    def breakers(self) -> Sequence[Breaker]:
        """The one that guards it."""

    def reopen(self) -> None:
        """Forget every socket: this process is a fork."""

    def close(self) -> None:
        """Let go of the connections."""
