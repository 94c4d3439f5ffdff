"""What is cached in these measurements: small tickers, under keys of a graph of their own."""

from __future__ import annotations

import random
from typing import Any

from cache import Catalogue, Key, Kind

TTL_S = 600
SOURCE = Kind("source", ("name",), ttl=TTL_S)
MIDDLE = Kind("middle", ("name",), ttl=TTL_S, derived_from=(SOURCE,))
NEXT = Kind("next", ("name",), ttl=TTL_S, derived_from=(MIDDLE,))
LAST = Kind("last", ("name",), ttl=TTL_S, derived_from=(NEXT,))
# The least lifetime whose last 15 % can be told apart on a busy machine.
BRIEF = Kind("brief", ("name",), ttl=2)
CATALOGUE = Catalogue((SOURCE, MIDDLE, NEXT, LAST, BRIEF))
BATCH = 200


def keys(count: int = BATCH, kind: Kind = SOURCE, prefix: str = "SYM") -> list[Key]:
    """So many keys, named like markets."""
    return [kind.key(name=f"{prefix}{number}/USDT:USDT") for number in range(count)]


def ticker(number: int) -> dict[str, Any]:
    """The ticker with this number; the same for the same number."""
    chance = random.Random(number)
    last = chance.uniform(0.01, 90_000)
    return {
        "last": last,
        "bid": last * 0.9999,
        "ask": last * 1.0001,
        "open": chance.uniform(0.01, 90_000),
        "high": last * 1.02,
        "low": last * 0.97,
        "change_24h": chance.gauss(0, 3),
        "turnover_24h": chance.uniform(1e6, 1e10),
    }


def tickers(count: int = BATCH, first: int = 0) -> list[dict[str, Any]]:
    """So many of them."""
    return [ticker(first + number) for number in range(count)]
