"""What one seed stands for: who does what when, and what is broken when. The same seed, the same plan."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from cache import Catalogue, Kind

if TYPE_CHECKING:
    from cache import Key

PROCESSES = 8
NAMES = ("hot", "warm", "mild", "cold")
# How much more often the first names change than the last: an old value is seen where few overwrite it.
WARMTH = (8, 4, 2, 1)
STEP_S = 0.004
QUIET_S = 2.0

SOURCE = Kind("source", ("name",), ttl=8)
MIDDLE = Kind("middle", ("name",), ttl=7, derived_from=(SOURCE,))
NEXT = Kind("next", ("name",), ttl=6, derived_from=(MIDDLE,))
LAST = Kind("last", ("name",), ttl=5, derived_from=(NEXT,))
BOARD = Kind("board", ("name",), ttl=6, derived_from=(MIDDLE,), gathers=True)
PAGE = Kind("page", ("name",), ttl=5, derived_from=(BOARD,))
CHAIN = Catalogue((SOURCE, MIDDLE, NEXT, LAST, BOARD, PAGE))

SOURCES = tuple(SOURCE.key(name=name) for name in NAMES)
THE_BOARD, THE_PAGE = BOARD.key(name="all"), PAGE.key(name="all")
KEYS = (
    *SOURCES,
    *(kind.key(name=name) for kind in (MIDDLE, NEXT, LAST) for name in NAMES),
    THE_BOARD,
    THE_PAGE,
)
# What each derived key is made of.
INPUTS = {
    **{MIDDLE.key(name=name): (SOURCE.key(name=name),) for name in NAMES},
    **{NEXT.key(name=name): (MIDDLE.key(name=name),) for name in NAMES},
    **{LAST.key(name=name): (NEXT.key(name=name),) for name in NAMES},
    THE_BOARD: tuple(MIDDLE.key(name=name) for name in NAMES),
    THE_PAGE: (THE_BOARD,),
}

# Calls by how often they are made. Few change anything: an old value shows only until it is overwritten.
CALLS = {
    "get": 1800,
    "get_many": 120,
    "put": 8,
    "put_many": 1,
    "derive": 12,
    "derive_many": 6,
    "put_with_inputs": 3,
    "get_or_compute": 16,
    "expire": 5,
    "remove": 2,
}
SIZES = (0, 0, 0, 0, 3_000, 60_000)


@dataclass(frozen=True, slots=True)
class Step:
    """One call of one process on one key: `at` is seconds from the start, `size` bytes pad the value."""

    at: float
    call: str
    key: Key
    size: int


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing broken, from `at` for `lasts` seconds; `doors` are the processes cut off, empty for all."""

    at: float
    lasts: float
    lane: str
    what: str
    amount: float = 0.0
    doors: tuple[int, ...] = ()

    def __str__(self) -> str:
        whom = f" for {','.join(map(str, self.doors))}" if self.doors else ""
        amount = f" {self.amount:g}" if self.amount else ""
        return f"{self.lane} {self.what}{amount}{whom} at {self.at:.2f} s for {self.lasts:.2f} s"


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole run."""

    seed: int
    seconds: float
    steps: tuple[tuple[Step, ...], ...]
    faults: tuple[Fault, ...]


SERVER_FAULTS = ("kill", "freeze", "restart", "half_open", "delay", "trickle", "reset", "refuse", "cut")
MESSAGE_FAULTS = ("kill_pubsub", "cut_subscriptions", "silence")


def plan(seed: int, seconds: float, *, processes: int = PROCESSES) -> Plan:
    """Steps for every process and faults on every lane, from this seed alone."""
    steps = tuple(_steps(random.Random(f"{seed}/{number}"), seconds) for number in range(processes))
    chances = random.Random(f"{seed}/faults")
    faults = [
        *_lane("redis", SERVER_FAULTS, chances, seconds, processes),
        *_lane("memcached", SERVER_FAULTS, chances, seconds, processes),
        *_lane("messages", MESSAGE_FAULTS, chances, seconds, processes),
    ]
    return Plan(seed, seconds, steps, tuple(sorted(faults, key=lambda fault: fault.at)))


def _steps(chances: random.Random, seconds: float) -> tuple[Step, ...]:
    calls, weights = tuple(CALLS), tuple(accumulate(CALLS.values()))
    warmth = tuple(accumulate(WARMTH))
    steps, at = [], 0.0
    while at < seconds:
        call = chances.choices(calls, cum_weights=weights)[0]
        name = chances.choices(NAMES, cum_weights=warmth)[0]
        key = chances.choice(KEYS)
        if not call.startswith("get") and key not in {THE_BOARD, THE_PAGE}:
            key = key.kind.key(name=name)
        if call.startswith("put") and call != "put_with_inputs":
            key = SOURCE.key(name=name)
        elif key in SOURCES and call in {"derive", "derive_many", "put_with_inputs"}:
            key = MIDDLE.key(name=name)
        steps.append(Step(at, call, key, chances.choice(SIZES)))
        at += chances.expovariate(1 / STEP_S)
    return tuple(steps)


def _lane(
    lane: str, kinds: tuple[str, ...], chances: random.Random, seconds: float, processes: int
) -> list[Fault]:
    """Faults one after another, with pauses; the first two seconds stay quiet."""
    faults, at = [], QUIET_S + chances.uniform(0, 1.5)
    while at < seconds:
        what = chances.choice(kinds)
        lasts = round(min(chances.choice((0.05, 0.2, 0.5, 1.0, 1.8)) * chances.uniform(0.7, 1.3), 2.5), 3)
        amount = {"delay": chances.uniform(0.005, 0.12), "trickle": chances.uniform(500, 20_000)}.get(what, 0)
        # What happens on the way can happen to some processes only.
        partial = what not in {"kill", "freeze", "restart", "kill_pubsub"} and chances.random() < 0.4
        doors = tuple(sorted(chances.sample(range(processes), chances.randint(1, 3)))) if partial else ()
        faults.append(Fault(round(at, 3), lasts, lane, what, round(amount, 4), doors))
        at += lasts + chances.choice((0.1, 0.4, 1.2, 2.0)) * chances.uniform(0.5, 1.5)
    return faults
