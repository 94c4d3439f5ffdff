"""Which keys somebody is looking at: what processes of some roles, such as the web, used most lately."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cache import hit_list
from cache.census import REPORT_S
from cache.keys import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cache.hit_list import HitList
    from cache.keys import Key, Kind

LOOKED_AT = ("web", "stream")
"""The roles that read for people."""
WITHIN_S = 600.0
MOST_WATCHED = 1000


class Watching:
    """Asks Redis in one round trip, at most as often as processes report; in between it knows."""

    def __init__(
        self,
        *,
        hits: HitList | None,
        kinds: Mapping[str, Kind],
        clock: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hits = hits
        self._kinds = kinds
        self._clock = clock
        self._monotonic = monotonic
        self._known: dict[tuple[tuple[str, ...], float], tuple[float, tuple[Key, ...]]] = {}

    def find(self, wanted: frozenset[str], roles: Sequence[str], within_s: float) -> tuple[Key, ...]:
        """The keys of the kinds of these names; none while Redis is away."""
        asked, now = (tuple(roles), within_s), self._monotonic()
        until, keys = self._known.get(asked, (now, ()))
        if until <= now:
            keys = self._ask(roles, within_s)
            self._known[asked] = (now + REPORT_S, keys)
        return tuple(key for key in keys if key.kind.name in wanted)

    def _ask(self, roles: Sequence[str], within_s: float) -> tuple[Key, ...]:
        if self._hits is None:
            return ()
        buckets = 1 + -(-int(within_s) // hit_list.BUCKET_S)
        numbers = hit_list.last_hour(self._clock(), min(buckets, hit_list.BUCKETS))
        top = self._hits.top(roles, numbers, MOST_WATCHED) or ()
        parsed = (parse(text, self._kinds) for text, _ in top)
        return tuple(key for key in parsed if key is not None)
