"""What the last hour's readers used most: per role, in buckets of ten minutes, kept in Redis."""

from __future__ import annotations

from heapq import nlargest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cache.tiers.redis import RedisTier

    Uses = list[tuple[str, int]]

BUCKET_S = 600
BUCKETS = 6
MOST_KEYS = 2000
"""Most keys in one bucket: the least used of more are forgotten."""
# Longer than any reader asks for it, whatever the clocks of its writers.
KEPT_S = (BUCKETS + 1) * BUCKET_S


def bucket(at: float) -> int:
    """The number of the ten minutes in which `at` (Unix seconds) lies."""
    return int(at // BUCKET_S)


def last_hour(now: float, buckets: int = BUCKETS) -> range:
    """The numbers of the running bucket and those before it: `buckets` in all, an hour at most."""
    return range(bucket(now) - buckets + 1, bucket(now) + 1)


def merged(lists: Iterable[Iterable[tuple[str, float]]], most: int) -> Uses:
    """The sums over several lists of text and uses, the most used first."""
    sums: dict[str, float] = {}
    for one in lists:
        for text, uses in one:
            sums[text] = sums.get(text, 0) + uses
    return [(text, int(uses)) for text, uses in nlargest(most, sums.items(), key=lambda pair: pair[1])]


class HitList:
    """The hit lists of all roles, to be read. The processes' reports write them."""

    def __init__(self, far: RedisTier) -> None:
        self._far = far

    @property
    def roles_key(self) -> str:
        """The set of the roles that have one."""
        return f"{self._far.base}:hits:roles"

    def key(self, role: str, number: int) -> str:
        """The sorted set of one role's bucket."""
        return f"{self._far.base}:hits:{role}:{number}"

    def roles(self) -> list[str] | None:
        """The roles that have reported uses; None when Redis could not be asked."""
        members = self._far.guarded(lambda: self._far.quick.smembers(self.roles_key))
        return None if members is None else sorted(member.decode() for member in members)

    def top(self, roles: Sequence[str], numbers: Sequence[int], most: int) -> Uses | None:
        """The texts that these roles used most in these buckets, in one round trip; None without Redis."""
        keys = [self.key(role, number) for role in roles for number in numbers]

        def ask() -> list[list[tuple[bytes, float]]]:
            pipeline = self._far.quick.pipeline(transaction=False)
            for key in keys:
                pipeline.zrevrange(key, 0, most - 1, withscores=True)
            answer: list[list[tuple[bytes, float]]] = pipeline.execute()
            return answer

        lists = self._far.guarded(ask) if keys else []
        if lists is None:
            return None
        return merged((((text.decode(), uses) for text, uses in one) for one in lists), most)
