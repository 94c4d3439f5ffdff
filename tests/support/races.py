"""What several processes do to the same two keys, step by step, in every order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.steps import EVERYBODY, Actor, Touch, every_order
from tests.support.stories import Story
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cache import Entry, Key, TieredCache
    from tests.support.gated import Clock, Process

LONGER_THAN_ALL_LIVES_S = 61.0
UNPROVED_LIFE_S = 1.001


class World:
    """Actors and their processes, which share tiers. What they write says who wrote it.

    Several actors may be threads of one process.
    """

    def __init__(self, processes: Mapping[str, Process], clock: Clock, kinds: Sequence[Any]) -> None:
        self.actors = dict(processes)
        self.all = {process.name: process for process in processes.values()}
        self.clock = clock
        self._kinds = kinds
        self._number = 0

    def __getitem__(self, name: str) -> TieredCache:
        return self.actors[name].cache

    def wait_for_proof(self) -> None:
        """Return when every process that listens provably hears."""
        for process in self.all.values():
            if process.ears is not None and process.engine.far.breaker.closed:
                eventually(lambda process=process: self.hear() or process.engine.hub.follows, within_s=30)

    def hear(self, *names: str) -> None:
        """Let processes (all, when none is named) hear what was said so far, and no more until told again."""
        far = next(iter(self.all.values())).engine.far
        version = 0
        if far is not None and far.breaker.closed:
            # The writer itself may be stopped before it knows the version, so Redis is asked.
            version = int(far.quick.hget(f"{far.base}:meta", "version"))
        for process in [self.actors[name] for name in names] or self.all.values():
            process.hear(version)

    def stories(
        self, begin: Callable[[Story], Mapping[str, Actor]], *, derived: bool, near: bool
    ) -> Iterator[Story]:
        """One story for each order of the steps of the actors that `begin` makes, told to its end and judged.

        The source is stored before; with `derived` also what is derived from it; with `near` they are in
        every tier of every process, else in the farthest alone (and in the memory of who wrote them).
        """
        told: list[Story] = []

        def begin_anew() -> Mapping[str, Actor]:
            told[:] = [self._new_story(derived=derived, near=near)]
            return begin(told[0])

        for order in every_order(begin_anew):
            told[0].order = order
            self._end(told[0])
            yield told[0]

    def _end(self, story: Story) -> None:
        """All has been said and heard, or the second for which one may go without hearing is over."""
        self.hear()
        if any(process.ears is None for process in self.all.values()):
            self.clock.now += UNPROVED_LIFE_S
            self.hear()
        answers = {name: self.read(story, name) for name in self.actors}
        for name, found in answers.items():
            story.judge(found, name)
        story.judge_lives()
        story.judge_agreement(answers)
        for process in self.all.values():
            process.mend()

    def _new_story(self, *, derived: bool, near: bool) -> Story:
        self._number += 1
        story = Story(*(kind.key(name=f"{self._number}") for kind in self._kinds[:2]))
        self.wait_for_proof()
        first = next(iter(self.actors))
        self.put(story, first, "old")
        if derived:
            self.derive(story, first, "derived before")
        self.hear()
        for name, process in self.actors.items():
            engine = process.engine
            if near:
                self.read(story, name)
            elif engine.hub.generation is not None and engine.far is not None:
                engine.tiers.near.drop([story.source.text, story.derived.text], engine.hub.generation)
        return story

    def ear(self, name: str) -> Actor:
        """One moment in which a process hears what was said so far."""
        return Actor(lambda: self.hear(name), Touch(name, "l3"))

    def actor(self, name: str, act: str, story: Story) -> Actor:
        """A process that does one of: put, refresh, derive, read, expire, remove; or the time that passes."""
        if act == "pass time":
            return Actor(lambda: self.pass_time(story), Touch(EVERYBODY))
        return Actor(lambda: getattr(self, act)(story, name), Touch(self.actors[name].name))

    def pass_time(self, story: Story, seconds: float = LONGER_THAN_ALL_LIVES_S) -> None:
        """Let time pass for all, canaries having come and gone meanwhile."""
        story.aged = True
        self.clock.now += seconds
        for process in self.all.values():
            hub, listener = process.engine.hub, process.engine._listener
            hub.proved_until += seconds
            hub.fences_until += seconds
            for number in tuple(listener._said) if listener is not None else ():
                listener._said[number] += seconds

    def put(self, story: Story, name: str, value: str | None = None) -> None:
        """Write the source, without a word about what it was read from."""
        value = value or f"put by {name}"
        began = len(story.invalidations)
        story.note(self[name].put(story.source, value))
        story.written_between(value, began)

    def refresh(self, story: Story, name: str) -> None:
        """Ask the world for the source's value, and write it as of before that."""
        token = self[name].token()
        story.read_now(f"refreshed by {name}")
        story.note(self[name].put(story.source, f"refreshed by {name}", token=token))

    def derive(self, story: Story, name: str, value: str | None = None) -> None:
        """Compute the derived key from the source as it is read."""
        value = value or f"derived by {name}"

        def compute(inputs: Mapping[Key, Entry | None]) -> str:
            story.read_now(value, inputs[story.source])
            return value

        entry = self[name].derive(story.derived, [story.source], compute)
        story.lives[entry.version] = entry.fresh_until

    def read(self, story: Story, name: str) -> dict[Key, Entry]:
        """Read both, and remember what was served."""
        found = self[name].get_many([story.source, story.derived])
        story.served += found.values()
        return found

    def expire(self, story: Story, name: str) -> None:
        """Expire the source; who did must not see what was before as fresh."""
        self._invalidate(story, name, "expire")

    def remove(self, story: Story, name: str) -> None:
        """Remove the source; who did must not see what was before at all."""
        self._invalidate(story, name, "remove")

    def _invalidate(self, story: Story, name: str, reason: str) -> None:
        outlawed = story.invalidate(reason)
        getattr(self[name], reason)(story.source)
        story.judge(self.read(story, name), f"{name} itself", outlawed)
