"""How long others may keep what they were sent, as RFC 9111 and RFC 5861 count it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cache import Entry


def lives(entry: Entry, now: float, *, ttl_s: float, marked: bool) -> tuple[tuple[str, str], ...]:
    """`Cache-Control` and `Age` for an entry; all three numbers count from when it was stored.

    `marked` says that the body itself tells its readers to be stale. Only such a body may outlive
    `ttl_s`, the life of its kind: another would go on saying `live` out of somebody's cache.
    """
    fresh = now < entry.fresh_until and not marked
    max_age_s = max(0, int(entry.fresh_until - entry.stored_at)) if fresh else 0
    longest_s = entry.usable_until - entry.stored_at
    reach_s = int(longest_s if marked else min(ttl_s, longest_s))
    return (
        ("Cache-Control", f"max-age={max_age_s}, stale-if-error={max(0, reach_s - max_age_s)}"),
        ("Age", str(max(0, int(now - entry.stored_at)))),
    )
