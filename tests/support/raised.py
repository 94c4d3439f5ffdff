"""What was raised, as the journal has it, and whether anything of that was raised twice."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from cache.catalogue import ALERT_JOURNAL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cache import TieredCache

Alert = dict[str, Any]


def raised(cache: TieredCache) -> list[Alert]:
    """Everything that the journal has, newest first; fails while Redis is away."""
    entries = cache.journal(ALERT_JOURNAL).recent(10_000)
    assert entries is not None, "Redis could not be asked"
    return [entry.plain() for entry in entries]


def doubled(found: Iterable[Alert], cooldown_s: float) -> list[tuple[Alert, Alert]]:
    """Pairs of alerts of one kind, exchange and symbol that are nearer to one another than the cooldown."""
    named = defaultdict(list)
    for alert in sorted(found, key=lambda alert: alert["raised_at"]):
        named[alert["kind"], alert["exchange"], alert["symbol"]].append(alert)
    return [
        (first, second)
        for alerts_of_one in named.values()
        for first, second in pairwise(alerts_of_one)
        if second["raised_at"] - first["raised_at"] < cooldown_s
    ]
