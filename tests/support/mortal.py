"""The Celery app whose workers die in the middle of a task at the word of a test.

`celery -A tests.support.mortal worker ...`: a file in $MORTAL_ORDERS that is named after a task says how.
The first to run that task takes the order and dies once it has changed something in the cache, or at the
end of the body where that changes nothing; the run lock is held in any case. `<task>.done` tells of it.
"""

from __future__ import annotations

import os
import resource
import signal
import threading
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


class _Fate(threading.local):
    """The order that this thread has taken."""

    task = ""
    how = ""


_fate = _Fate()


def _out_of_memory() -> None:
    """Have no more memory than is in use now, and want some."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms, before[1]))
    try:
        bytearray(GB)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


WAYS = {
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "SIGTERM": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "memory": _out_of_memory,
    "worker SIGKILL": lambda: os.kill(os.getppid(), signal.SIGKILL),
}


def _take_order(task: str) -> str:
    """How to die in it; empty without an order, or when another one has taken it."""
    taken = ORDERS / f"{task}.taken"
    try:
        (ORDERS / task).rename(taken)
    except FileNotFoundError:
        return ""
    return taken.read_text(encoding="utf-8")


def _strike() -> None:
    how, _fate.how = _fate.how, ""
    if how:
        (ORDERS / f"{_fate.task}.taken").rename(ORDERS / f"{_fate.task}.done")
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
        _fate.task, _fate.how = task, _take_order(task)
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
