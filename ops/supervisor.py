"""Starts services stage by stage, keeps them running, and stops them in order."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ops.backoff import Backoff
from ops.keeper import Keeper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ops.child import Service
    from ops.last_will import LastWill

STOP_WITHIN_S = 14.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Gate:
    """What must be true before the next stage starts; `essential` ends the start where it stays false.

    `service` is the one that has to make it true, whose last line is shown when it does not.
    """

    what: str
    is_open: Callable[[], bool]
    within_s: float
    essential: bool
    service: str | None = None


class NotStarted(Exception):
    """Something without which the rest makes no sense did not come up."""


class Supervisor:
    """All services of one system. Times come from `clock`; `chance` spreads restarts."""

    def __init__(
        self,
        *,
        will: LastWill,
        say: Callable[[str, str], None],
        clock: Callable[[], float],
        chance: Callable[[], float],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._will = will
        self._say = say
        self._clock = clock
        self._chance = chance
        self._changed = changed
        self._keepers: dict[str, Keeper] = {}
        self._hurry = asyncio.Event()

    @property
    def keepers(self) -> Mapping[str, Keeper]:
        """The keepers by the names of their services, in the order of their start."""
        return self._keepers

    async def start(self, services: Iterable[Service], gates: Iterable[Gate] = ()) -> None:
        """Start one stage and wait at its gates; raises NotStarted at an essential one that stays shut."""
        for service in services:
            keeper = Keeper(
                service,
                backoff=Backoff(chance=self._chance),
                will=self._will,
                say=self._say,
                clock=self._clock,
                changed=self._changed,
            )
            self._keepers[service.name] = keeper
            keeper.start()
        for gate in gates:
            await self._pass(gate)

    async def stop(self, order: Iterable[Iterable[str]], *, within_s: float = STOP_WITHIN_S) -> None:
        """Stop stage after stage, what is in no stage last; the whole takes no longer than `within_s`."""
        deadline = time.monotonic() + within_s
        stages = [[name for name in stage if name in self._keepers] for stage in order]
        stages.append([name for name in self._keepers if not any(name in stage for stage in stages)])
        for stage in filter(None, stages):
            if not self._hurry.is_set():
                self._say("ops", f"stopping {', '.join(stage)}")
            async with asyncio.TaskGroup() as group:
                for name in stage:
                    keeper = self._keepers[name]
                    left_s = max(0.0, deadline - time.monotonic())
                    group.create_task(keeper.stop(within_s=min(keeper.service.stop_within_s, left_s)))

    def kill(self) -> None:
        """End every group at once: the operator asked a second time."""
        self._hurry.set()
        for keeper in self._keepers.values():
            keeper.kill()

    async def _pass(self, gate: Gate) -> None:
        deadline = time.monotonic() + gate.within_s
        while not await asyncio.to_thread(gate.is_open):
            if time.monotonic() < deadline:
                await asyncio.sleep(_POLL_S)
                continue
            line = f"{gate.what} within {gate.within_s:.0f} s{self._last_words(gate)}"
            if gate.essential:
                raise NotStarted(line)
            self._say("ops", f"{line}; going on without it")
            return

    def _last_words(self, gate: Gate) -> str:
        if gate.service is None:
            return ""
        said = self._keepers[gate.service].last_line
        return f"; the last that it said: {said}" if said else "; it said nothing"
