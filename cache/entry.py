"""What goes in and comes out of the cache: entries, writes, their results, tokens and changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from cache.keys import Key

Outcome = Literal["stored", "skipped", "failed", "absent"]
Reason = Literal["put", "expire", "remove"]


# Structs and not dataclasses: batches make hundreds, and these are made five times as fast.
class Entry(msgspec.Struct, frozen=True, gc=False):
    """One value as read. Times are Unix seconds; `value` is immutable to any depth.

    `state`, `age`, `fresh_for` and `usable_for` are true at the moment they are asked. `writer` is the
    number of the process that stored it, 0 when nobody knows.
    """

    key: Key
    value: Any
    as_of: float
    stored_at: float
    fresh_until: float
    usable_until: float
    version: int
    tier: str
    clock: Callable[[], float]
    writer: int = 0

    @property
    def state(self) -> Literal["fresh", "stale"]:
        """Whether the value may still be taken for current."""
        return "fresh" if self.clock() < self.fresh_until else "stale"

    @property
    def age(self) -> float:
        """Seconds since the value was true at its source."""
        return max(0.0, self.clock() - self.as_of)

    @property
    def fresh_for(self) -> float:
        """Remaining fresh seconds, never negative."""
        return max(0.0, self.fresh_until - self.clock())

    @property
    def usable_for(self) -> float:
        """Remaining seconds until the value is gone, never negative."""
        return max(0.0, self.usable_until - self.clock())

    def stale_at(self, now: float) -> Entry:
        """The same entry, not fresh from `now` on."""
        if self.fresh_until <= now:
            return self
        return msgspec.structs.replace(self, fresh_until=now)


@dataclass(frozen=True, slots=True)
class Token:
    """A moment in the order of writes and invalidations: what was read after it is not older than it."""

    version: int


class Put(msgspec.Struct, frozen=True, gc=False):
    """One write of a batch. `inputs` are the entries (or keys, with a token) it was computed from."""

    key: Key
    value: Any
    as_of: float | None = None
    inputs: tuple[Entry | Key, ...] = ()
    token: Token | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """What a compute function returns to say when its result was true: `as_of` in Unix seconds."""

    value: Any
    as_of: float | None = None


class PutResult(msgspec.Struct, frozen=True, gc=False):
    """What a write came to in each tier, and whether the value was stale from the start."""

    key: Key
    version: int
    tiers: dict[str, Outcome]
    born_stale: bool = False
    entry: Entry | None = None

    @property
    def stored(self) -> bool:
        """Whether any tier holds the value."""
        return "stored" in self.tiers.values()


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to some keys, told to subscribers."""

    keys: tuple[Key, ...]
    reason: Reason
    version: int
