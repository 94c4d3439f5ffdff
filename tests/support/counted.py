"""What processes of a role write, read and report, and what the census and the hit list make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cache import hit_list

if TYPE_CHECKING:
    from cache import Kind, TieredCache


def put(cache: TieredCache, kind: Kind, *names: str) -> None:
    """Write one value under each name."""
    for name in names:
        cache.put(kind.key(name=name), {"of": name})


def read(cache: TieredCache, kind: Kind, *names: str, times: int = 1) -> None:
    """Read each name so many times."""
    for _ in range(times):
        for name in names:
            cache.get(kind.key(name=name))


def report(*caches: TieredCache) -> None:
    """Have each process report now, and not only within its five seconds."""
    assert all(cache._engine.census.report() for cache in caches)


def label(cache: TieredCache) -> str:
    """The name under which an answer shows this cache."""
    one = cache._engine.census.own()
    return f"{one['role']}@{one['host']}:{one['pid']}"


def listed(cache: TieredCache, role: str, most: int = 100) -> dict[str, float]:
    """The hit list of the last hour, as text and uses."""
    return dict(cache._engine.hits.top((role,), hit_list.last_hour(cache._clock()), most))
