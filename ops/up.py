"""`up`: checks everything, starts everything, keeps it running until it is told to stop."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

from ops import environ
from ops.child import adopt_orphans
from ops.decide import Refused, decide, read_settings, take_lock
from ops.last_will import LastWill
from ops.output import Printer, wants_colours
from ops.signals import StopSignals
from ops.system import System

if TYPE_CHECKING:
    from pathlib import Path

    from ops.decide import Start
    from ops.lock import RunLock

_REFUSED = 2


def up(*, root: Path, procfile: Path) -> int:
    """Run the system until SIGINT or SIGTERM; returns the exit code, 2 where it cannot start as asked."""
    began = time.time()
    signals = StopSignals()
    lock = None
    try:
        settings, login, folder = read_settings()
        lock = take_lock(settings, folder, began)
        start = decide(settings, login, folder, root=root, procfile=procfile, began=began)
        return _run(start, lock, signals)
    except Refused as refusal:
        for line in refusal.lines:
            print(line, file=sys.stderr)
        return _REFUSED
    finally:
        if lock is not None:
            lock.release()


def _run(start: Start, lock: RunLock, signals: StopSignals) -> int:
    colours = wants_colours(sys.stdout)
    printer = Printer(descriptor=sys.stdout.fileno(), names=["ops", *start.plan.names], colours=colours)
    printer.hide([*start.backends.secrets(), start.login.password])
    adopt_orphans()
    will = LastWill(keep_open=(lock.descriptor,))
    try:
        environ.write(start.folder.environment, start.plan.values)
        return asyncio.run(System(start, printer=printer, will=will).live(signals))
    finally:
        will.close()
        start.folder.clear()
        printer.close()
