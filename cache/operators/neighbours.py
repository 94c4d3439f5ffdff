"""Reads what Memcached holds, patiently, and what its servers say of themselves; never writes."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheError

from cache.tiers.memcached import MemcachedTier

if TYPE_CHECKING:
    from collections.abc import Callable

    from cache.wiring import Tiers

PATIENCE_S = 1.0


@dataclass(frozen=True, slots=True)
class Copy:
    """What one Memcached server holds under a key; `answered` is False when it could not be asked."""

    server: str
    body: bytes | None = None
    answered: bool = True


def copies(tiers: Tiers, text: str, generation: int) -> list[Copy]:
    """What each server holds of this key in that generation."""
    near = tiers.near
    if not isinstance(near, MemcachedTier):
        return []
    name = near.wire_key(text, generation)
    found = []
    for node in near.nodes:
        try:
            found.append(Copy(node.name, _asked(node.name, lambda client: client.get(name))))
        except (MemcacheError, OSError):
            found.append(Copy(node.name, answered=False))
    return found


def servers(tiers: Tiers) -> dict[str, dict[str, Any] | None]:
    """What each server says of itself (the `stats` command); None for one that does not answer."""
    near = tiers.near
    said: dict[str, dict[str, Any] | None] = {}
    for node in near.nodes if isinstance(near, MemcachedTier) else ():
        try:
            numbers = _asked(node.name, lambda client: client.stats())
        except (MemcacheError, OSError):
            said[node.name] = None
        else:
            said[node.name] = {name.decode(): value for name, value in numbers.items()}
    return said


def _asked(server: str, question: Callable[[Client], Any]) -> Any:
    host, _, port = server.rpartition(":")
    client = Client(
        (host.strip("[]"), int(port)), connect_timeout=PATIENCE_S, timeout=PATIENCE_S, no_delay=True
    )
    with closing(client):
        return question(client)
