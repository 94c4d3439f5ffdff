"""The Celery app whose workers die in the middle of a task at the word of a test.

`celery -A tests.support.mortal worker ...`: a file in $MORTAL_ORDERS that is named after a task says how,
and who else is to be in the middle of it then. The first to run that task takes the order and dies once it
has changed something in the cache, or at the end of the body where that changes nothing; the run lock is
held in any case. Until the others stand there too, it waits (`<task>.ready`); `<task>.done` tells that it
went on to its end. Of threads, which die as one process, one does it and the others are killed.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import threading
import time
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ccxt  # noqa: F401 - once here, instead of a second for each child that replaces a dead one
import psutil

from cache import TieredCache
from tasks import app

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["app"]

ORDERS = Path(os.environ["MORTAL_ORDERS"])
EFFECTS = ("put_many", "derive_many", "claim", "remove", "expire")
GB = 1 << 30
WAIT_S = 60.0


class _Fate(threading.local):
    """The order that this thread has taken."""

    task = ""
    order: list[str] = []  # noqa: RUF012 - never changed, only replaced


_fate = _Fate()


def _out_of_memory() -> None:
    """Have no more memory than is in use now, and want some."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms, before[1]))
    try:
        bytearray(GB)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _kill(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


WAYS = {
    "SIGKILL": lambda: _kill(signal.SIGKILL),
    "SIGTERM": lambda: _kill(signal.SIGTERM),
    "memory": _out_of_memory,
    "be killed": lambda: time.sleep(WAIT_S),
    "go on": lambda: None,
}


def _waiting(others: list[str]) -> bool:
    """Whether all of them stand in the middle of their work, or have died there."""
    return all((ORDERS / f"{task}.ready").exists() or (ORDERS / f"{task}.done").exists() for task in others)


def _take_order(task: str) -> list[str]:
    """How to die in it, and with which others; empty without an order, or when another one has taken it."""
    taken = ORDERS / f"{task}.taken"
    try:
        order = json.loads((ORDERS / task).read_text(encoding="utf-8"))
        if order["last"] and not _waiting(order["others"]):
            return []  # it sends out the others
        (ORDERS / task).rename(taken)
    except FileNotFoundError:
        return []
    return [order["how"], *order["others"]]


def _strike() -> None:
    order, _fate.order = _fate.order, []
    if not order:
        return
    how, *others = order
    done, ready = ORDERS / f"{_fate.task}.done", ORDERS / f"{_fate.task}.ready"
    (ORDERS / f"{_fate.task}.taken").rename(ready)
    until = time.monotonic() + WAIT_S
    while not _waiting(others) and time.monotonic() < until:
        time.sleep(0.02)
    if _waiting(others):
        ready.rename(done)
        WAYS[how]()


def _mortal(effect: str) -> None:
    original = getattr(TieredCache, effect)

    def call(self: TieredCache, *args: Any, **kwargs: Any) -> Any:
        answer = original(self, *args, **kwargs)
        _strike()
        return answer

    setattr(TieredCache, effect, call)


def _run_with(task: str, body: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(body)
    def run(*args: Any, **kwargs: Any) -> Any:
        _fate.task, _fate.order = task, _take_order(task)
        answer = body(*args, **kwargs)
        _strike()
        return answer

    return run


app.loader.import_default_modules()
for _name, _task in app.tasks.items():
    if _name.startswith("tasks."):
        _task.run = _run_with(_name, _task.run)
for _effect in EFFECTS:
    _mortal(_effect)
