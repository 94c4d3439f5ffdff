"""The operator's order to stop, heard from before the first process until after the last."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_ORDERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """Passes SIGINT, SIGTERM and SIGHUP on to one listener, and keeps an early one for it.

    asyncio's own handlers end with the loop; a Ctrl-C more would then break into the cleaning up.
    """

    def __init__(self) -> None:
        self._listener: Callable[[signal.Signals], None] | None = None
        self._early: signal.Signals | None = None
        for order in _ORDERS:
            # nohup leaves SIGHUP ignored, and means it; a shell that starts a job in the background
            # leaves SIGINT ignored, and only means its own Ctrl-C.
            if order != signal.SIGHUP or signal.getsignal(order) is not signal.SIG_IGN:
                signal.signal(order, self._receive)

    def listen(self, listener: Callable[[signal.Signals], None]) -> None:
        """Pass signals on from now; one that came before is passed on at once."""
        self._listener = listener
        if self._early is not None:
            listener(self._early)

    def ignore(self) -> None:
        """Hear nothing more, not even while the interpreter ends, when other handlers are taken away."""
        for order in _ORDERS:
            signal.signal(order, signal.SIG_IGN)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        order = signal.Signals(number)
        if self._listener is None:
            self._early = order
        else:
            self._listener(order)
