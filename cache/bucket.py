"""A bucket in Redis: turns, a window, a closure and a circuit for all processes, decided by its clock."""

from __future__ import annotations

import math
from dataclasses import dataclass
from threading import get_ident
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cache.tiers import scripts

if TYPE_CHECKING:
    from cache.tiers.redis import RedisTier

US = 1_000_000


@dataclass(frozen=True, slots=True)
class Flow:
    """What a bucket lets through: units per second, those that may be saved up, and a window.

    No `window_s` seconds ever hold more than `requests` calls; 0 for a bucket without a window.
    `trial_s` is the longest that one caller alone may try out an open circuit.
    """

    per_second: float
    burst: float
    requests: int
    window_s: float
    trial_s: float


@dataclass(frozen=True, slots=True)
class Breaking:
    """When a circuit opens, after so many `failures` in a row, and for how many seconds.

    The pause doubles with each trial that fails; `share` of it counts, or `asked_s` where that is longer.
    """

    failures: int
    first_s: float
    longest_s: float
    share: float
    asked_s: float


class Turn(NamedTuple):
    """What Redis says to somebody who wants to ask.

    `go`: now. `wait`: come again to `go` in `wait_s`. `full`: the turn would come after the patience,
    and is not taken. `closed`: nobody may ask for `wait_s`. `open`: the circuit is; the next may try
    then. `processes` is how many were lately seen, 0 in an answer to `go`.
    """

    state: Literal["go", "wait", "full", "closed", "open"]
    wait_s: float
    processes: int
    failures: int
    openings: int
    word: str
    reason: str


class Told(NamedTuple):
    """How often the circuit had opened in a row before and after, and seconds for which it stays open."""

    before: int
    after: int
    open_s: float


class Bucket:
    """One name's bucket. Each call is one round trip, and None when Redis could not be asked.

    Never is anything done twice: what gets no answer may have been done, which costs a turn.
    """

    def __init__(self, far: RedisTier | None, name: str) -> None:
        self._far = far
        self._name = name

    @property
    def shared(self) -> bool:
        """Whether there is a Redis at all, well or not."""
        return self._far is not None

    def take(self, flow: Flow, weight: float, *, patience_s: float, pause_s: float = 0.0) -> Turn | None:
        """Reserve the next turn; after a `pause_s` of everybody, for who comes back from being alone."""
        return self._turn("take", flow, weight, patience_s, pause_s)

    def go(self, flow: Flow, weight: float, *, patience_s: float) -> Turn | None:
        """Ask anew once a turn has come; `full` gives it back."""
        return self._turn("go", flow, weight, patience_s, 0.0)

    def close(self, for_s: float, *, word: str, reason: str) -> bool | None:
        """Let nobody through for so long; the latest end of several counts."""
        return None if self._run("close", _us(for_s), word, reason) is None else True

    def failed(self, breaking: Breaking, reason: str) -> Told | None:
        """A call of this thread got no answer."""
        before_after_us = self._run(
            "failed",
            breaking.failures,
            _us(breaking.first_s),
            _us(breaking.longest_s),
            repr(breaking.share),
            _us(breaking.asked_s),
            reason,
        )
        if before_after_us is None:
            return None
        before, after, open_us = before_after_us
        return Told(before, after, open_us / US)

    def answered(self) -> Told | None:
        """A call of this thread was answered: the circuit is closed, unless it is open to others' trials."""
        return self._told("answered")

    def dropped(self) -> Told | None:
        """This thread does not ask after all: another may have the trial."""
        return self._told("dropped")

    def _told(self, what: str) -> Told | None:
        answer = self._run(what)
        if answer is None:
            return None
        before, after = answer
        return Told(before, after, 0.0)

    def _turn(self, what: str, flow: Flow, weight: float, patience_s: float, pause_s: float) -> Turn | None:
        far = self._far
        if far is None:
            return None
        answer = self._run(
            what,
            _us(weight / flow.per_second),
            _us(flow.burst / flow.per_second),
            _us(patience_s),
            flow.requests,
            _us(flow.window_s),
            _us(flow.trial_s),
            _us(pause_s),
            far.origin,
        )
        if answer is None:
            return None
        state, wait_us, processes, failures, openings, word, reason = answer
        return Turn(state.decode(), wait_us / US, processes, failures, openings, _text(word), _text(reason))

    def _run(self, what: str, *args: Any) -> Any:
        far = self._far
        if far is None:
            return None
        key = f"{far.base}:bucket:{self._name}"
        keys = (key, f"{key}:sent", f"{key}:processes")
        who = f"{far.origin}:{get_ident()}"
        return far.guarded(lambda: scripts.BUCKET(far.quick, keys, (what, who, *args)))


def _us(seconds: float) -> int:
    return math.ceil(max(0.0, seconds) * US)


def _text(word: bytes) -> str:
    return word.decode(errors="replace")
