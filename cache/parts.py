"""What the ways of a write and of an invalidation work with in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from cache.hub import Hub
    from cache.local_order import LocalOrder
    from cache.mending import Mender
    from cache.outbox import Outbox
    from cache.stats import Stats
    from cache.tiers.base import Authority, SharedMemory


@dataclass(frozen=True, slots=True)
class Parts:
    """The shared tiers and one process's memory of order, debts and counts."""

    near: SharedMemory
    far: Authority
    hub: Hub
    local: LocalOrder
    outbox: Outbox
    mender: Mender
    stats: Stats
    clock: Callable[[], float]
