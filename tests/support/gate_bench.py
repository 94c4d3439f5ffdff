"""A shared limiter over a bucket that answers as a test says, on a clock that only sleeping moves."""

from __future__ import annotations

from typing import Any

from cache.bucket import Told, Turn
from market.limiter import Rate
from tasks.gate import SharedLimiter

RATE = Rate(10.0, 1.0)


def turn(state: Any = "go", wait_s: float = 0.0, **more: Any) -> Turn:
    """What Redis says to one who comes."""
    fields = {"processes": 1, "failures": 0, "openings": 0, "word": "", "reason": ""}
    return Turn(state, wait_s, **{**fields, **more})


class Script:
    """A bucket that gives these answers to `take` and `go`, then goes on saying the last one."""

    shared = True

    def __init__(self, *answers: Turn | None) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[Any, ...]] = []
        self.told: Told | None = Told(0, 0, 0.0)

    def take(self, flow, weight, *, patience_s, pause_s=0.0):  # noqa: ARG002 - the bucket's signature
        """The next answer."""
        self.calls.append(("take", weight, round(patience_s, 6), pause_s))
        return self._next()

    def go(self, flow, weight, *, patience_s):  # noqa: ARG002 - the bucket's signature
        """The next answer."""
        self.calls.append(("go", weight, round(patience_s, 6)))
        return self._next()

    def close(self, for_s, *, word, reason):
        """True while there is a Redis."""
        self.calls.append(("close", round(for_s, 6), word, reason))
        return None if self.answers[0] is None else True

    def failed(self, breaking, reason):
        """What the test wants told."""
        self.calls.append(("failed", breaking.asked_s, reason))
        return self.told

    def answered(self):
        """The same."""
        self.calls.append(("answered",))
        return self.told

    def dropped(self):
        """The same."""
        self.calls.append(("dropped",))
        return self.told

    def _next(self) -> Turn | None:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Bench:
    """A shared limiter over such a bucket."""

    def __init__(self, *answers: Turn | None, rate: Rate = RATE) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.bucket = Script(*answers)
        self.gate = SharedLimiter(
            exchange="x",
            rate=rate,
            bucket=self.bucket,
            clock=lambda: self.now + 500.0,
            monotonic=lambda: self.now,
            sleep=self.sleep,
            chance=lambda: 0.0,
        )

    def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.slept.append(seconds)
        self.now += seconds

    def calls_in(self, seconds: float) -> int:
        """How many go out within that time when there is always work."""
        end, calls = self.now + seconds, 0
        while self.now < end:
            self.gate.acquire(patience_s=60)
            self.gate.succeeded()
            calls += 1
        return calls

    def names(self) -> list[str]:
        """The calls to the bucket by name."""
        return [call[0] for call in self.bucket.calls]
