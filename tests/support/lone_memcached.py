"""L2 alone: what it is given, what it holds, and what it must not use."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NoReturn

from cache.tiers.base import Sealed

if TYPE_CHECKING:
    from cache.tiers.memcached import MemcachedTier


def put(tier: MemcachedTier, text: str, body: bytes, life_s: float = 60.0) -> str:
    """What became of one entry."""
    return tier.store([Sealed(text, body, time.time() + life_s)], 1, fill=False)[text]


def body_of(tier: MemcachedTier, text: str) -> bytes | None:
    """What Memcached holds for it, or None."""
    return tier.fetch([text], 1).get(text)


def forbidden(*_args: object, **_options: object) -> NoReturn:
    """Stand in for what is not to be used."""
    raise AssertionError("not to be used")
