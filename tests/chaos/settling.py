"""When a process had lost Redis, and when it had settled what it decided alone, as its history shows."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.chaos.history import Event

# The outbox is empty while it is being sent, so only a lasting emptiness says that it arrived.
SETTLED_FOR_S = 0.4


class Settled:
    """The stretches of each process without anything left to settle."""

    def __init__(self, events: Iterable[Event]) -> None:
        notes: dict[int, list[tuple[float, bool]]] = defaultdict(list)
        for event in events:
            if event.what in {"read", "write", "expire", "remove"}:
                notes[event.process].append((event.returned, event.owing))
        self._from: dict[int, list[float]] = {}
        self._until: dict[int, list[float]] = {}
        for process, series in notes.items():
            self._from[process], self._until[process] = _stretches(sorted(series))

    def after(self, change: Event) -> float:
        """The beginning of the first lasting stretch without anything owed after the change; or never."""
        begins, ends = self._from[change.process], self._until[change.process]
        for begin, end in zip(begins, ends, strict=True):
            if end > change.returned and end - max(begin, change.returned) >= SETTLED_FOR_S:
                return max(begin, change.returned)
        return math.inf


class Alone:
    """The stretches of each process without Redis."""

    def __init__(self, events: Iterable[Event]) -> None:
        notes: dict[int, list[tuple[float, bool]]] = defaultdict(list)
        for event in events:
            if event.what in {"read", "write", "expire", "remove"}:
                notes[event.process].append((event.invoked, event.far))
        self._began = {process: _stretches(series)[0] for process, series in notes.items()}
        self._first = {process: series[0][0] for process, series in notes.items()}

    def since(self, reader: Event) -> float:
        """When the stretch began in which this reader called; always, if it never had Redis before."""
        begins = self._began[reader.process]
        began = begins[bisect_right(begins, reader.invoked) - 1]
        return -math.inf if began == self._first[reader.process] else began


def _stretches(series: Sequence[tuple[float, bool]]) -> tuple[list[float], list[float]]:
    begins, ends, begun = [], [], None
    for moment, owing in series:
        if owing and begun is not None:
            ends.append(moment)
            begun = None
        elif not owing and begun is None:
            begins.append(moment)
            begun = moment
    if begun is not None:
        ends.append(math.inf)
    return begins, ends
