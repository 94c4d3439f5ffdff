"""When a list that lost most of an exchange's markets is believed: once it was seen often, and for long.

What was seen is in the cache, so that any worker may see it the last time, and a restart forgets nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cache.catalogue import EXCHANGE_STATUS

if TYPE_CHECKING:
    from cache import Key
    from market.errors import FewerMarkets
    from tasks.wire import House

CONFIRMED_TIMES = 5
CONFIRMED_FOR_S = 3600.0
"""An exchange that is being repaired may list half of its markets for a while: so long nothing is let go."""


def believed(house: House, exchange: str) -> str | None:
    """What the short list that is believed by now is called, see `FewerMarkets`; None for none."""
    entry = house.cache.get(_key(exchange))
    if entry is None:
        return None
    often = entry.value["times"] >= CONFIRMED_TIMES
    long = house.clock() - entry.value["since"] >= CONFIRMED_FOR_S
    return str(entry.value["listed"]) if often and long else None


def note(house: House, error: FewerMarkets) -> None:
    """Count one more sight of a short list; another one than the last begins anew."""
    key, now = _key(error.exchange), house.clock()
    entry = house.cache.get(key)
    seen = {"listed": error.listed, "since": now, "times": 1}
    if entry is not None and entry.value["listed"] == error.listed:
        seen = {**seen, "since": min(now, entry.value["since"]), "times": entry.value["times"] + 1}
    house.cache.put(key, seen, as_of=now)


def settle(house: House, exchange: str) -> None:
    """Forget what was seen: the list that came now is that of all processes."""
    if house.cache.get(_key(exchange)) is not None:
        house.cache.remove(_key(exchange))


def _key(exchange: str) -> Key:
    # Beside the statuses of what is asked for: it lives as long, and nothing is made of it.
    return EXCHANGE_STATUS.key(exchange=exchange, source="markets")
