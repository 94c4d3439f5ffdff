"""What all processes did, gathered in Redis: each reports every few seconds, and one answer covers all."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING, Any

import msgspec

from cache import hit_list
from cache.tiers import scripts
from cache.totals import everywhere

if TYPE_CHECKING:
    from collections.abc import Callable

    from cache.hit_list import HitList
    from cache.stats import Stats
    from cache.tiers.memory import MemoryTier
    from cache.tiers.redis import RedisTier

    Facts = dict[str, Any]

REPORT_S = 5.0
MOST_PROCESSES = 128
"""Most processes that are told apart, gone ones included."""
LONG_GONE_S = 3600.0
KEPT_S = 86_400
"""Seconds for which Redis keeps it all when nobody reports any more."""
MOST_USES = 300
"""Most keys whose uses one report tells."""

REPORT = scripts.Script("report", ordered=False)


class Census:
    """Reports this process under its role and reads what all others reported.

    `facts` gives what `stats()` gives, `writer` the number under which this process writes. Nothing
    here raises: while Redis is away nothing is reported, and the next report makes up for it.
    """

    def __init__(
        self,
        *,
        far: RedisTier | None,
        role: str | None,
        hits: HitList | None,
        stats: Stats,
        memory: MemoryTier,
        facts: Callable[[], Facts],
        writer: Callable[[], int],
        clock: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._far = far
        self.role = role
        self._hits = hits
        self._stats = stats
        self._memory = memory
        self._facts = facts
        self._writer = writer
        self._clock = clock
        self._monotonic = monotonic
        self.reopen()

    def reopen(self) -> None:
        """A fork is a process of its own."""
        self._pid = os.getpid()
        self._host = socket.gethostname()
        self._started = self._clock()
        self._due = 0.0

    def report_if_due(self) -> None:
        """Report if the last time was a few seconds ago."""
        if self._monotonic() >= self._due:
            self._due = self._monotonic() + REPORT_S
            self.report()

    def report(self, *, ended: bool = False) -> bool:
        """Tell Redis of this process in one round trip; False when it could not be told, or has no role."""
        far, hits, role = self._far, self._hits, self.role
        if far is None or hits is None or role is None:
            return False
        mine, now = self.own(ended=ended), self._clock()
        uses = [part for pair in self._memory.most_used(MOST_USES) for part in pair]
        reports = f"{far.base}:stats:reports"
        keys = [
            reports, f"{far.base}:stats:seen", f"{far.base}:stats:gone",
            hits.roles_key, hits.key(role, hit_list.bucket(now)),
        ]  # fmt: skip
        args = [
            self._writer(), now, msgspec.msgpack.encode(_without_noughts(mine)), role, KEPT_S, MOST_PROCESSES,
            now - LONG_GONE_S, hit_list.MOST_KEYS, hit_list.KEPT_S, msgspec.msgpack.encode(uses),
        ]  # fmt: skip
        known = far.guarded(lambda: REPORT(far.quick, keys, args))
        self._stats.keep_writers(None if known is None else {int(number) for number in known})
        return known is not None

    def everywhere(self) -> Facts:
        """The answer of `TieredCache.stats_everywhere`."""
        mine = [] if self.role is None else [self.own()]
        found = self._read()
        if found is None:
            return everywhere(mine, {}, now=self._clock(), complete=False)
        reports, gone = found
        mine_too = {**reports, **{one["writer"]: one for one in mine}}
        return everywhere(mine_too.values(), gone, now=self._clock(), complete=True)

    def own(self, *, ended: bool = False) -> Facts:
        """This process's report."""
        return {
            "role": self.role,
            "pid": self._pid,
            "host": self._host,
            "started": self._started,
            "at": self._clock(),
            "ended": ended,
            "writer": self._writer(),
            **self._facts(),
        }

    def _read(self) -> tuple[dict[int, Facts], dict[str, Facts]] | None:
        far = self._far
        if far is None:
            return None

        def ask() -> list[dict[bytes, bytes]]:
            pipeline = far.quick.pipeline(transaction=False)
            pipeline.hgetall(f"{far.base}:stats:reports")
            pipeline.hgetall(f"{far.base}:stats:gone")
            answer: list[dict[bytes, bytes]] = pipeline.execute()
            return answer

        found = far.guarded(ask)
        if found is None:
            return None
        reports, gone = found
        return (
            {int(number): _decoded(report) for number, report in reports.items()},
            {role.decode(): _decoded(sums) for role, sums in gone.items()},
        )


def _without_noughts(report: Facts) -> Facts:
    kinds = {
        kind: {name: count for name, count in counters.items() if count}
        for kind, counters in report["kinds"].items()
    }
    return {**report, "kinds": {kind: counters for kind, counters in kinds.items() if counters}}


def _decoded(packed: bytes) -> Facts:
    """A report or a sum; Lua packs an empty map as an empty list."""
    plain: Facts = msgspec.msgpack.decode(packed, strict=False)
    return {**plain, "kinds": plain["kinds"] or {}}
