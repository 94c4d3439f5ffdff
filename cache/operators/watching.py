"""`watch`: changes as they happen, one line each, until Ctrl-C."""

from __future__ import annotations

import queue
from collections import Counter
from typing import TYPE_CHECKING

from cache.operators.desk import FOUND, READY_WITHIN_S
from cache.operators.paper import GAP, Ink
from cache.operators.units import moment, number, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cache.entry import Change
    from cache.keys import Kind
    from cache.operators.desk import Desk
    from cache.tiered import TieredCache

STYLES = {"put": "green", "expire": "yellow", "remove": "red"}
MOST_WAITING = 10_000
MOST_NAMED = 3
LOOKS_EVERY_S = 0.5


class Watch:
    """Listens on one cache and writes what it hears. A reader that is too slow loses lines, and is told."""

    def __init__(self, desk: Desk, kinds: Sequence[Kind]) -> None:
        self._desk = desk
        self._kinds = tuple(kinds) or None
        self._heard: queue.Queue[tuple[float, Change]] = queue.Queue(MOST_WAITING)
        self._lost = 0
        self._listening = False

    def run(self, stopped: Callable[[], bool]) -> int:
        """Write until told to stop; raises NoRedis when there is none at the start."""
        cache = self._desk.open_cache(listening=True)
        try:
            end = cache.subscribe(self._hear, self._kinds)
            self._begin(cache, stopped)
            while not stopped():
                self._write_next()
                self._look(cache)
            end()
        finally:
            cache.close()
        return FOUND

    def _begin(self, cache: TieredCache, stopped: Callable[[], bool]) -> None:
        """Wait until the channel is heard; raises NoRedis when Redis does not answer either."""
        ask_at = self._desk.clock() + READY_WITHIN_S
        while cache.health()["coherence"] != "proved" and not stopped():
            if self._desk.clock() >= ask_at:
                ask_at += READY_WITHIN_S
                self._desk.looker.order()
                self._desk.complain("nothing is heard yet, though Redis answers; waiting")
            self._write_next()
        self._listening = True
        names = ", ".join(kind.name for kind in self._kinds) if self._kinds else "all kinds"
        self._desk.complain(f"watching {names}; Ctrl-C ends it")

    def _hear(self, change: Change) -> None:
        try:
            self._heard.put_nowait((self._desk.clock(), change))
        except queue.Full:
            self._lost += 1

    def _write_next(self) -> None:
        try:
            heard_at, change = self._heard.get(timeout=LOOKS_EVERY_S if self._listening else 0.02)
        except queue.Empty:
            return
        lost, self._lost = self._lost, 0
        if lost:
            self._desk.complain(f"{plural(lost, 'change')} came too fast to be shown")
        if self._desk.paper.as_json:
            keys = [key.text for key in change.keys]
            body = {"at": heard_at, "reason": change.reason, "version": change.version, "keys": keys}
            self._desk.paper.document(body, indent=0)
            return
        self._desk.paper.line(*told(heard_at, change, self._desk.paper.width))

    def _look(self, cache: TieredCache) -> None:
        listening = cache.health()["coherence"] == "proved"
        if listening != self._listening:
            self._desk.complain(
                "heard again; changes in between were missed"
                if listening
                else "nothing is heard; waiting for Redis"
            )
        self._listening = listening


def told(at: float, change: Change, width: int | None = None) -> tuple[str | Ink, ...]:
    """One line: when, what, how many of which kinds, and the first keys, as far as `width` columns hold."""
    kinds = Counter(key.kind.name for key in change.keys)
    named = ", ".join(f"{name} {number(count)}" for name, count in kinds.items())
    start = f"{moment(at, at)}{GAP}"
    reason, what = f"{change.reason:<6}", f"{GAP}{named:<20}{GAP}"
    room = None if width is None else width - len(start + reason + what)
    first = _first([key.text for key in change.keys], room)
    return start, Ink(reason, STYLES[change.reason]), what, Ink(first, "dim")


def _first(texts: Sequence[str], room: int | None) -> str:
    """The first texts, with an ellipsis where some are left out; at least one."""
    for count in range(min(MOST_NAMED, len(texts)), 0, -1):
        line = ", ".join([*texts[:count], *(["..."] if count < len(texts) else [])])
        if room is None or len(line) <= room or count == 1:
            return line
    return ""
