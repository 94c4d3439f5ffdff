"""From the wire to the dashboard: how old what the exchange said is when a reader first sees it."""

from __future__ import annotations

import shlex
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cache import Key, TieredCache
from cache.catalogue import CONFLUENCE
from settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.support.system import System

PATH = "/api/dashboard/data"
EVERY_S = 0.02
# Asked for once in each period for each symbol; true as of the answer, where candles are as of their close.
INPUTS = ("order_book", "trades")
# Of these the exchange itself says when it answered, to the millisecond.
TIMED = "order_book"


@dataclass(slots=True)
class Delays:
    """Seconds from an answer of the exchange to its number on the dashboard, of prices and of scores."""

    prices: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)


def environment_of(system: System) -> dict[str, str]:
    """The addresses that a running system left for its operator."""
    lines = (system.var / "run" / "environment").read_text().splitlines()
    return dict(shlex.split(line)[0].split("=", 1) for line in lines if line)


@contextmanager
def cache_of(system: System) -> Iterator[TieredCache]:
    """A look into the cache of a running system."""
    cache = TieredCache.from_settings(
        Settings(redis_url=environment_of(system)["REDIS_URL"]), clock=time.time, name=None
    )
    try:
        yield cache
    finally:
        cache.close()


def score_keys(rows: Sequence[dict[str, Any]]) -> list[Key]:
    """The keys of the scores on a dashboard."""
    return [CONFLUENCE.key(exchange=row["exchange"], symbol=row["symbol"]) for row in rows]


def followed(system: System, cache: TieredCache, seconds: float) -> Delays:
    """Ask for the dashboard every 20 ms for so long, and note each number that is newer than before.

    What a body says of a score is known from the cache: the scores that were stored before the body was
    made, each with the times of what it was made of. What is seen first is not counted: it may be old.
    """
    delays = Delays()
    keys = score_keys(system.dashboard()["symbols"])
    shown: dict[Any, float] = {}
    etag, until = "", time.monotonic() + seconds
    while time.monotonic() < until:
        answer = system.web(PATH, headers={"If-None-Match": etag})
        seen_at = time.time()
        if answer.status == 200:
            etag = answer.headers["ETag"]
            document = answer.json()
            _note(delays.prices, shown, _prices(document), seen_at)
            _note(delays.scores, shown, _inputs(cache, keys, document["generated_at"]), seen_at)
        time.sleep(EVERY_S)
    return delays


def _note(delays: list[float], shown: dict[Any, float], now: dict[Any, float], seen_at: float) -> None:
    delays += [seen_at - at for key, at in now.items() if key in shown and at > shown[key]]
    shown.update(now)


def _prices(document: dict[str, Any]) -> dict[Any, float]:
    return {
        (row["exchange"], row["symbol"], "price"): row["price_as_of"]
        for row in document["symbols"]
        if row["price_as_of"] is not None
    }


def _inputs(cache: TieredCache, keys: list[Key], made_at: float) -> dict[Any, float]:
    return {
        (key.text, one["name"]): one["as_of"]
        for key, entry in cache.get_many(keys).items()
        if entry.stored_at <= made_at
        for one in entry.value["inputs"]
        if one["name"] == TIMED and one["used"]
    }
