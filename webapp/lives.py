"""How long others may keep what they were sent, as RFC 9111 and RFC 5861 count it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cache import Entry


@dataclass(frozen=True, slots=True)
class Served:
    """One value as it is served: the document, its tag, and how long it may be kept."""

    document: dict[str, Any]
    etag: str
    kept: tuple[tuple[str, str], ...]

    def headers(self) -> dict[str, str]:
        """Validators and lifetimes."""
        return {"ETag": self.etag, **dict(self.kept)}


def lives(
    entry: Entry, now: float, *, ttl_s: float, marked: bool, live: bool = True
) -> tuple[tuple[str, str], ...]:
    """`Cache-Control` and `Age` for an entry; all three numbers count from when it was stored.

    `marked` says that the body itself tells its readers to be stale. Only such a body may outlive
    `ttl_s`, the life of its kind: another would go on saying `live` out of somebody's cache. What lives
    until the next close, and so for longer than that, is asked for again after `ttl_s` all the same. What
    is not `live` for another reason than its age may be so at any moment, and is asked for again at once.
    """
    fresh = live and now < entry.fresh_until and not marked
    max_age_s = max(0, int(min(entry.fresh_until - entry.stored_at, ttl_s))) if fresh else 0
    longest_s = entry.usable_until - entry.stored_at
    reach_s = int(longest_s if marked else max(0, min(ttl_s, longest_s)))
    return (
        ("Cache-Control", f"max-age={max_age_s}, stale-if-error={max(0, reach_s - max_age_s)}"),
        ("Age", str(max(0, int(now - entry.stored_at)))),
    )
