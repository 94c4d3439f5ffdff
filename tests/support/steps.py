"""Cooperating steps: actors that stop at named points and go on one at a time, in every order that matters.

An actor is a function in a thread of its own. Whatever it calls that was gated stops it, until the
explorer lets it take its next step: the gated call, and all that follows up to the next gate. Two
steps that touch nothing in common can be swapped without anybody noticing, so of the orders that differ
in such swaps alone one is run ("sleep sets", Godefroid 1996); all others are run, each once.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

HANGS_AFTER_S = 60.0
EVERYBODY = "everybody"
_here = threading.local()


@dataclass(frozen=True, slots=True)
class Touch:
    """What a step touches: the memory of one process, and perhaps something shared, to read or to write."""

    process: str
    shared: str = ""
    writes: bool = False

    def disturbs(self, other: Touch) -> bool:
        """Whether it matters which of the two steps comes first."""
        if self.process == other.process or EVERYBODY in (self.process, other.process):
            return True
        return bool(self.shared) and self.shared == other.shared and (self.writes or other.writes)


class Actor:
    """A function that is carried out step by step. `touch` says what its next step touches."""

    def __init__(self, action: Callable[[], Any], touch: Touch) -> None:
        self.touch = touch
        self.point = "begin"
        self.finished = False
        self.error: BaseException | None = None
        self._action = action
        self._go, self._stopped = threading.Lock(), threading.Lock()
        self._go.acquire()
        self._stopped.acquire()
        threading.Thread(target=self._run, daemon=True).start()

    def step(self) -> None:
        """Go on to the next point, or to the end; raises what the action raised."""
        self._go.release()
        if not self._stopped.acquire(timeout=HANGS_AFTER_S):
            raise AssertionError(f"nothing came after {self.point}")
        if self.error is not None:
            raise self.error

    def stop(self, point: str, touch: Touch) -> None:
        """Wait, before the step that the point names, for the word to go on."""
        self.point, self.touch = point, touch
        self._stopped.release()
        self._go.acquire()

    def __repr__(self) -> str:
        return f"<actor before {self.point}>"

    def _run(self) -> None:
        self._go.acquire()
        _here.actor = self
        try:
            self._action()
        except BaseException as error:  # noqa: BLE001 (it is raised again where the step was asked for)
            self.error = error
        self.finished = True
        self._stopped.release()


def stop_at(point: str, touch: Touch) -> None:
    """Stop here, if this thread is an actor's; any other passes."""
    actor = getattr(_here, "actor", None)
    if actor is not None:
        actor.stop(point, touch)


def gate(owner: object, method: str, before: Touch, after: Touch | None = None) -> None:
    """Have actors stop before each call of a method of this object and, with `after`, once more after it."""
    call, point = getattr(owner, method), f"{before.shared or 'memory'}.{method}"

    def gated(*args: Any, **kwargs: Any) -> Any:
        stop_at(point, before)
        answer = call(*args, **kwargs)
        if after is not None:
            stop_at(f"{point} done", after)
        return answer

    setattr(owner, method, gated)


@dataclass(slots=True)
class _Fork:
    """A moment of choice: whose turn was tried here, the last of them now, and whose changes nothing."""

    touches: dict[str, Touch]
    asleep: set[str]
    tried: list[str] = field(default_factory=list)

    def try_next(self, *, reduced: bool) -> bool:
        """Choose one who was not tried yet; False when there is none."""
        worth = self._worth_trying() if reduced else list(self.touches)
        left = [name for name in worth if name not in self.tried and name not in self.asleep]
        self.tried += left[:1]
        return bool(left)

    def _worth_trying(self) -> list[str]:
        """One whose step nobody else can ever notice, alone; else all."""
        processes = [touch.process for touch in self.touches.values()]
        for name, touch in self.touches.items():
            if not touch.shared and processes.count(touch.process) == 1 and EVERYBODY not in processes:
                return [name]
        return list(self.touches)

    def asleep_after(self) -> set[str]:
        """Whose turn, tried here before the present choice, comes to the same after it."""
        now = self.touches[self.tried[-1]]
        before = {*self.tried[:-1], *self.asleep}
        return {name for name in before if not now.disturbs(self.touches[name])}


def every_order(
    begin: Callable[[], Mapping[str, Actor]], *, reduced: bool = True
) -> Iterator[tuple[str, ...]]:
    """Make the actors anew for each order, let them take their steps in it, and yield it when all have ended.

    Without `reduced` also those orders are run that differ in swaps of independent steps alone.
    """
    forks: list[_Fork] = []
    while True:
        actors = dict(begin())
        order = _run(actors, forks, reduced=reduced)
        if order is None:
            _end(actors)
        else:
            yield order
        while forks and not forks[-1].try_next(reduced=reduced):
            forks.pop()
        if not forks:
            return


def _run(actors: Mapping[str, Actor], forks: list[_Fork], *, reduced: bool) -> tuple[str, ...] | None:
    """Follow the choices made so far, then make the first there are; None when nothing new can come of it."""
    order: list[str] = []
    asleep: set[str] = set()
    while waiting := _waiting(actors):
        if len(order) == len(forks):
            fork = _Fork({name: actor.touch for name, actor in waiting.items()}, asleep)
            if not fork.try_next(reduced=reduced):
                return None
            forks.append(fork)
        fork = forks[len(order)]
        name = fork.tried[-1]
        if {each: actor.touch for each, actor in waiting.items()} != fork.touches:
            raise AssertionError(
                f"the same steps came to something else now: {order}, then {waiting}, not {fork.touches}"
            )
        asleep = fork.asleep_after() if reduced else set()
        order.append(f"{name} {waiting[name].point}")
        waiting[name].step()
    return tuple(order)


def _waiting(actors: Mapping[str, Actor]) -> dict[str, Actor]:
    return {name: actor for name, actor in actors.items() if not actor.finished}


def _end(actors: Mapping[str, Actor]) -> None:
    while waiting := _waiting(actors):
        next(iter(waiting.values())).step()
