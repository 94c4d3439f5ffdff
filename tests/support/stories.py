"""What happened to two keys in one order of steps, and the invariants that it must not have broken."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cache import Entry, Key, PutResult

Outlawed = tuple[str, frozenset[str]]
"""What an invalidation did (expire, remove), and the values that were written or read before it began."""


@dataclass(slots=True)
class Story:
    """One order: a source and what is derived from it, all that was written, served and invalidated.

    `lives` is the end of the fresh life by version, `inputs` that of what a value was computed from;
    `old` are the values that were there, or on their way, before what comes next.
    """

    source: Key
    derived: Key
    order: tuple[str, ...] = ()
    aged: bool = False
    lives: dict[int, float] = field(default_factory=dict)
    inputs: dict[str, float] = field(default_factory=dict)
    old: set[str] = field(default_factory=set)
    invalidations: list[Outlawed] = field(default_factory=list)
    served: list[Entry] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def note(self, result: PutResult) -> None:
        """A write, with the life that it was given."""
        if result.entry is not None:
            self.lives[result.version] = result.entry.fresh_until

    def read_now(self, value: str, read: Entry | None = None) -> None:
        """A value has just been read or computed: whatever is invalidated later is younger."""
        self.old.add(value)
        if read is not None:
            self.served.append(read)
            self.inputs[value] = read.fresh_until

    def written_between(self, value: str, began: int) -> None:
        """A value was written while no invalidation began: whatever is invalidated later is younger."""
        if began == len(self.invalidations):
            self.old.add(value)

    def invalidate(self, reason: str) -> Outlawed:
        """An invalidation begins; what it outlaws."""
        outlawed = (reason, frozenset(self.old))
        self.invalidations.append(outlawed)
        return outlawed

    def judge(self, found: Mapping[Key, Entry], reader: str, returned: Outlawed | None = None) -> None:
        """Note what a reader should not have got after this invalidation, or all of them, had returned."""
        for reason, values in self.invalidations if returned is None else (returned,):
            for entry in found.values():
                if entry.value not in values:
                    continue
                if reason == "remove":
                    self._complain(f"{reader} got {entry.value!r}, which was removed")
                elif entry.state == "fresh":
                    self._complain(f"{reader} got {entry.value!r} as fresh, which was expired")

    def judge_lives(self) -> None:
        """No promotion has lengthened a life, and nothing derived is fresh for longer than its input."""
        for entry in self.served:
            life = self.lives.get(entry.version)
            if life is not None and entry.fresh_until > life:
                self._complain(f"{entry.value!r} got {entry.fresh_until - life:g} s more on its way")
            if entry.fresh_until > self.inputs.get(entry.value, entry.fresh_until):
                self._complain(f"{entry.value!r} outlived its input")
            if self.aged and entry.state == "fresh" and entry.value == "old":
                self._complain(f"{entry.value!r} is fresh after its time")

    def judge_agreement(self, answers: Mapping[str, Mapping[Key, Entry]]) -> None:
        """All who were told everything say the same."""
        said = {
            name: {key.kind.name: (entry.value, entry.state) for key, entry in found.items()}
            for name, found in answers.items()
        }
        if len({tuple(sorted(one.items())) for one in said.values()}) > 1:
            self._complain(f"they disagree: {said}")

    def _complain(self, text: str) -> None:
        self.wrong.append(text)
