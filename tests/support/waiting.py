"""Waiting for a state with a deadline, so that no test sleeps for a guess."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")


def eventually(predicate: Callable[[], Answer], within_s: float, every_s: float = 0.01) -> Answer:
    """Return the predicate's first truthy answer; fail with its last one when `within_s` has passed."""
    deadline = time.monotonic() + within_s
    while True:
        answer = predicate()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            name = getattr(predicate, "__qualname__", repr(predicate))
            raise AssertionError(f"{name} was still {answer!r} after {within_s} s")
        time.sleep(every_s)


def at_best(act: Callable[[], object], within_s: float, tries: int = 3) -> None:
    """Do it until it once took less than `within_s`; fail with all times when it never did.

    What takes long of itself does so each time; what a busy machine adds comes and goes.
    """
    took_s = []
    for _ in range(tries):
        began = time.monotonic()
        act()
        took_s.append(time.monotonic() - began)
        if took_s[-1] < within_s:
            return
    name = getattr(act, "__qualname__", repr(act))
    raise AssertionError(f"{name} took {took_s} s each time, want less than {within_s}")
