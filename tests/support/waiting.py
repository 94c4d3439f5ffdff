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
