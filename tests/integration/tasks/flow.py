"""A market that is run by hand: an injected clock, beat's ticks, and a worker that takes every message."""

from __future__ import annotations

import dataclasses
import os
import time
from typing import TYPE_CHECKING, Any

from cache import TieredCache
from market.exchanges import connect
from tasks import app, wire
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.integration.tasks.conftest import Workshop

FETCH_QUEUES = ("fetch.fast", "fetch.slow")
SCORE_QUEUES = ("high", "normal")


class Clock:
    """Real time, plus what a test adds."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        """Now."""
        return time.time() + self.ahead


@dataclasses.dataclass
class Flow:
    """One process whose tasks run when the test says so, at the time that the test says."""

    workshop: Workshop
    house: wire.House
    clock: Clock

    def pass_time(self, seconds: float) -> None:
        """Let the exchange and this process live that much later."""
        self.clock.ahead += seconds
        self.workshop.simulator.move_clock(self.clock.ahead)

    def forget_ticks(self) -> None:
        """Let the next tick of everything be the first of its period, however little time went by."""
        for claim in self.workshop.shared.scan_iter("*:claim:tick:*"):
            self.workshop.shared.delete(claim)

    def work(self, queues: Iterable[str] = FETCH_QUEUES) -> list[tuple[str, list[Any]]]:
        """Run whatever waits in the queues until nothing does; what was run. The rest is thrown away."""
        done = []
        while waiting := [message for queue in queues for message in self.workshop.queued(queue)]:
            self.workshop.broker.flushdb()
            for name, arguments in waiting:
                app.tasks[name](*arguments)
            done += waiting
        self.workshop.broker.flushdb()
        return done


def flowing(workshop: Workshop, **changed: Any) -> Iterator[Flow]:
    """The workshop with a clock in the test's hand; `changed` are settings."""
    clock, settings = Clock(), workshop.house.settings.model_copy(update=changed)
    connected = {
        name: connect(name, simulator_url=settings.simulator_url(name), timeout_s=20, clock=clock)
        for name in settings.exchanges
    }
    cache = TieredCache.from_settings(settings, clock=clock, name="fetcher")
    house = dataclasses.replace(
        workshop.house,
        settings=settings,
        cache=cache,
        clock=clock,
        exchange=lambda name: connected[name].get(),
    )
    workshop.shared.flushdb()
    workshop.broker.flushdb()
    app.loader.import_default_modules()
    own, wire._houses[os.getpid()] = wire._houses[os.getpid()], house
    eventually(lambda: cache.health()["coherence"] == "proved", within_s=30)
    yield Flow(workshop, house, clock)
    wire._houses[os.getpid()] = own
    workshop.simulator.move_clock(0)
    cache.close()
