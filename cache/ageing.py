"""Which entries are read often and turn stale soon: a pure look at the hit lists and at the stored heads."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cache import envelope, hit_list
from cache.keys import parse, timeframe_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cache.graph import Catalogue
    from cache.hit_list import HitList
    from cache.keys import Key, Kind
    from cache.tiers.redis import RedisTier

LAST_SHARE = 0.2
"""An entry ages in this last share of its life."""
LEAST_USES = 10
MOST_LOOKED_AT = 500
# Who has not been read for this long is not read often any more.
RECENT_BUCKETS = 2
# cache/envelope.py lays it out: magic, flags, version, as_of, stored_at, fresh_until, usable_until.
_HEAD = struct.Struct(">BBQdddd")


@dataclass(frozen=True, slots=True)
class Ageing:
    """A key that is read often, and when what is stored of it was true, was stored and turns stale."""

    key: Key
    uses: int
    as_of: float
    stored_at: float
    fresh_until: float


class AgeingLook:
    """Finds them in two round trips, whatever their number. Finds none while Redis is away."""

    def __init__(
        self,
        *,
        far: RedisTier | None,
        hits: HitList | None,
        catalogue: Catalogue,
        clock: Callable[[], float],
    ) -> None:
        self._far = far
        self._hits = hits
        self._catalogue = catalogue
        self._clock = clock

    def find(self, kinds: Iterable[Kind], *, least_uses: int, share: float, most: int) -> list[Ageing]:
        """The keys of these kinds that are ageing, the most used first."""
        wanted = self._often_read(frozenset(kind.name for kind in kinds), least_uses, most)
        now, lifetime = self._clock(), self._catalogue.lifetime
        return [
            one
            for one in self._stored(wanted)
            if is_ageing(one, now, ttl=lifetime(one.key.kind), share=share)
        ]

    def _often_read(self, kinds: frozenset[str], least_uses: int, most: int) -> list[tuple[Key, int]]:
        if self._hits is None:
            return []
        numbers = hit_list.last_hour(self._clock(), RECENT_BUCKETS)
        top = self._hits.top(self._hits.roles() or (), numbers, MOST_LOOKED_AT) or ()
        parsed = ((parse(text, self._catalogue.kinds), uses) for text, uses in top if uses >= least_uses)
        return [(key, uses) for key, uses in parsed if key is not None and key.kind.name in kinds][:most]

    def _stored(self, wanted: list[tuple[Key, int]]) -> Iterator[Ageing]:
        """What is stored of these keys and was not invalidated: that is stale already, and somebody knows."""
        far = self._far
        if far is None or not wanted:
            return
        texts = [key.text for key, _ in wanted]

        def ask() -> list[Any]:
            pipeline = far.quick.pipeline(transaction=False)
            pipeline.hget(f"{far.base}:meta", "floor")
            pipeline.zmscore(f"{far.base}:fences", texts)
            for text in texts:
                pipeline.getrange(f"{far.base}:e:{text}", 0, _HEAD.size - 1)
            answer: list[Any] = pipeline.execute()
            return answer

        answer = far.guarded(ask)
        if answer is None:
            return
        floor, fences, *heads = answer
        for (key, uses), fence, head in zip(wanted, fences, heads, strict=True):
            if len(head) == _HEAD.size:
                magic, flags, version, as_of, stored_at, fresh_until, _ = _HEAD.unpack(head)
                expired = flags & envelope.EXPIRED or version < max(fence or 0, float(floor or 0))
                if magic == envelope.MAGIC and not expired:
                    yield Ageing(key, uses, as_of, stored_at, fresh_until)


def is_ageing(one: Ageing, now: float, *, ttl: float, share: float = LAST_SHARE) -> bool:
    """Whether it is still fresh, but only for the last `share` of its life.

    Of a life that lasts to a close that is far away, no more counts than the kind's `ttl`, and no more
    than the grace after that close: before it there is nothing newer to be had.
    """
    life_s, grace = min(ttl, one.fresh_until - one.stored_at), one.key.kind.close_grace
    if grace is not None:
        life_s = min(life_s, grace.seconds(timeframe_seconds(one.key.params["timeframe"])))
    return now < one.fresh_until <= now + share * life_s
