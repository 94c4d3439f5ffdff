"""Journals in Redis: what began is written down exactly once, whoever saw it and whatever died meanwhile."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from cache.tiers import scripts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cache.tiers.redis import RedisTier

T = TypeVar("T")

MOST_ENTRIES = 10_000
KEPT_S = 30 * 86_400.0
AT_ONCE = 100
"""Most observations or entries in one call: Redis serves nobody else meanwhile."""

RECORD = scripts.Script("journal_record", ordered=False)
READ = scripts.Script("journal_read", ordered=False)
FORGET = scripts.Script("journal_forget", ordered=False)
ACKNOWLEDGE = scripts.Script("journal_acknowledge", ordered=False)


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of one name: its level, a word, empty when all is calm.

    `mark` orders the observations of a name: one that is not above the last is too late and is ignored;
    0 is always taken. `stands` is a level that goes on, where it is the stored one, although it would not
    begin now. An onset is written down with `body` once the level has lasted `hold_s`, and not within
    `cooldown_s` after the last of this name. The first observation of a name without a hold is where it
    starts from and no onset; one of the `past`, which is told late, is no start either and is ignored there.
    A level that begins with an `old` one is stored, and too long ago to be written down.
    Raises ValueError for a level without a body and for times that cannot be.
    """

    name: str
    level: str = ""
    body: Mapping[str, Any] | None = None
    mark: float = 0.0
    stands: str = ""
    hold_s: float = 0.0
    cooldown_s: float = 0.0
    past: bool = False
    old: bool = False

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("an observation wants a name")
        if (self.level or (self.stands and self.hold_s)) and self.body is None:
            raise ValueError(
                f"{self.name}: the level {self.level or self.stands!r} wants a body to be written down"
            )
        times = (self.mark, self.hold_s, self.cooldown_s)
        if not all(math.isfinite(one) and one >= 0 for one in times):
            raise ValueError(f"{self.name}: mark, hold and cooldown are finite and not negative; got {times}")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of a batch: the ids `added`, and how many onsets were `left_out` by a cooldown.

    `begun` names the journal's memory: once it has another name, the states that were stored are lost.
    `newest` is the id of the newest entry of all, empty without any.
    """

    begun: str
    added: tuple[str, ...]
    left_out: int
    newest: str


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One onset; times are Unix seconds by the clock of Redis.

    `left_out` counts the onsets of the same name since the last entry that fell into its cooldown.
    """

    id: str
    at: float
    acknowledged_at: float | None
    left_out: int
    body: Mapping[str, Any]

    def plain(self) -> dict[str, Any]:
        """The body with what the journal knows of it: `id`, `raised_at`, `acknowledged_at`, `left_out`."""
        return {
            **self.body,
            "id": self.id,
            "raised_at": self.at,
            "acknowledged_at": self.acknowledged_at,
            "left_out": self.left_out,
        }


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Since when an entry is acknowledged, in Unix seconds; `now` if by this call. None: no such entry."""

    at: float | None
    now: bool = False


class Journal:
    """One journal of a deployment. Every method answers None when Redis could not be asked.

    What was not answered may have been done all the same: each call may be made again.
    """

    def __init__(
        self,
        name: str,
        far: RedisTier | None,
        *,
        most_entries: int = MOST_ENTRIES,
        kept_s: float = KEPT_S,
    ) -> None:
        self._far = far
        base = "" if far is None else f"{far.base}:journal:{name}"
        self._states, self._seen, self._order, self._entries = (
            f"{base}:{part}" for part in ("states", "seen", "order", "entries")
        )
        self._bounds = (most_entries, _ms(kept_s))

    def record(self, observations: Sequence[Observation]) -> Recorded | None:
        """Write down what has begun. Each name is judged in one step, in the order given; time is Redis' own.

        On None a part of a long batch may be recorded.
        """
        keys = [self._states, self._seen, self._order, self._entries]
        memories: set[str] = set()
        added: list[str] = []
        left_out, newest = 0, ""
        for batch in _batches(observations):
            packed = msgspec.msgpack.encode([_plain(one) for one in batch])
            answer = self._run(RECORD, keys, *self._bounds, packed)
            if answer is None:
                return None
            begun, ids, missed, last = answer
            memories.add(begun.decode())
            added += [one.decode() for one in ids]
            left_out, newest = left_out + missed, last.decode()
        # Lost between two parts: then no memory has the whole batch.
        begun = memories.pop() if len(memories) == 1 else ""
        return Recorded(begun, tuple(added), left_out, newest)

    def forget(self, names: Sequence[str]) -> int | None:
        """Have each name start anew from its next observation; its entries and its cooldown stay.

        How many stood at a level, calm or not.
        """
        forgotten = 0
        for batch in _batches(names):
            answer = self._run(FORGET, [self._states], msgspec.msgpack.encode(list(batch)))
            if answer is None:
                return None
            forgotten += answer
        return forgotten

    def recent(self, most: int) -> list[JournalEntry] | None:
        """The newest entries, newest first."""
        found: list[JournalEntry] = []
        below = "+inf"
        while len(found) < most:
            wanted = min(AT_ONCE, most - len(found))
            answer = self._run(READ, [self._order, self._entries], below, wanted)
            if answer is None:
                return None
            pairs = zip(answer[::2], answer[1::2], strict=True)
            page = [_entry(one.decode(), packed) for one, packed in pairs]
            found += page
            if len(page) < wanted:
                break
            below = f"({page[-1].id}"
        return found

    def acknowledge(self, entry_id: str) -> Acknowledged | None:
        """Mark an entry as acknowledged; doing it again changes nothing."""
        if not (entry_id.isascii() and entry_id.isdigit()):
            return Acknowledged(None)  # no id of ours, and perhaps nothing that can be sent
        answer = self._run(ACKNOWLEDGE, [self._entries], entry_id)
        if answer is None:
            return None
        return Acknowledged(answer[0] / 1000, bool(answer[1])) if answer else Acknowledged(None)

    def _run(self, script: scripts.Script, keys: Sequence[str], *args: Any) -> Any:
        far = self._far
        return None if far is None else far.guarded(lambda: script(far.quick, keys, args))


def _batches(all_of_them: Sequence[T]) -> list[Sequence[T]]:
    # At least one: it says what the journal is, too.
    return [all_of_them[start : start + AT_ONCE] for start in range(0, max(1, len(all_of_them)), AT_ONCE)]


def _plain(one: Observation) -> tuple[Any, ...]:
    # As text: Lua's msgpack knows no other strings, and would give bytes back as text.
    body = "" if one.body is None else msgspec.json.encode(one.body).decode()
    times = one.mark, _ms(one.hold_s), _ms(one.cooldown_s)
    return one.name, one.level, one.stands, *times, int(one.past), int(one.old), body


def _entry(entry_id: str, packed: bytes) -> JournalEntry:
    at, acknowledged, left_out, body = msgspec.msgpack.decode(packed)
    acknowledged_at = acknowledged / 1000 if acknowledged else None
    return JournalEntry(entry_id, at / 1000, acknowledged_at, left_out, msgspec.json.decode(body))


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
