"""How far the recording is: one line that moves on a terminal, else a line for each tenth."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

_WIDTH = 30
_EVERY_S = 0.1
_TENTHS = 10


class Progress:
    """Shows the share of one phase after the other; `clock` gives seconds that only rise."""

    def __init__(self, *, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._moves = stream.isatty()
        self._clock = clock
        self._phase = ""
        self._shown_at = float("-inf")
        self._tenth = -1
        self._open = False

    def show(self, phase: str, done: float, total: float, what: str = "") -> None:
        """Say that `done` of `total` of a phase are behind; `what` is being worked on."""
        share = min(1.0, done / total) if total else 1.0
        if phase != self._phase:
            self._begin(phase)
        if self._moves:
            if share == 1.0 or self._clock() - self._shown_at >= _EVERY_S:
                self._draw(share, what)
        elif int(share * _TENTHS) > self._tenth:
            self._tenth = int(share * _TENTHS)
            self._stream.write(f"{phase}: {share:.0%} {what}".rstrip() + "\n")
            self._stream.flush()

    def line(self, text: str) -> None:
        """Say something beside it."""
        self._end()
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def _begin(self, phase: str) -> None:
        self._end()
        self._phase, self._tenth, self._shown_at = phase, -1, float("-inf")

    def _draw(self, share: float, what: str) -> None:
        bar = ("#" * round(share * _WIDTH)).ljust(_WIDTH, ".")
        self._stream.write(f"\r\x1b[K{self._phase:<8} [{bar}] {share:4.0%} {what}")
        self._stream.flush()
        self._shown_at, self._open = self._clock(), True

    def _end(self) -> None:
        if self._open:
            self._stream.write("\n")
            self._open = False
