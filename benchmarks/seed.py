"""A dashboard of the usual size in a cache, for load on the web process alone."""

from __future__ import annotations

import random
import time
from typing import Any

from cache import TieredCache
from cache.catalogue import CATALOGUE, CONFLUENCE, DASHBOARD, TICKERS
from cache.entry import Entry
from settings import Settings
from tasks.dashboard import ExchangeInputs, document, published
from tasks.rows import COMPONENTS

STATUS = {
    "id": "simulated", "state": "ok", "since": 0.0, "last_success_at": 0.0, "reason": None, "retry_at": None,
}  # fmt: skip


def seeded_dashboard(redis_url: str, *, symbols: int) -> bytes:
    """Publish a dashboard of `symbols` rows to the cache at `redis_url`; returns its body."""
    chance = random.Random(7)
    names = [f"SYM{number}/USDT:USDT" for number in range(symbols)]
    now = time.time()
    tickers = {
        name: {
            "last": round(chance.uniform(0.01, 90_000), 4), "change_24h": chance.gauss(0, 3),
            "turnover_24h": chance.uniform(1e6, 1e10), "as_of": now, "confirmed_at": now,
        }
        for name in names
    }  # fmt: skip
    whole = document(
        [
            ExchangeInputs(
                status=STATUS,
                symbols=names,
                tickers=_entry(TICKERS.key(exchange="simulated"), {"tickers": tickers}, now),
                scores={name: _score(name, chance, now) for name in names},
                sparks={name: [round(chance.uniform(1, 100), 3) for _ in range(32)] for name in names},
            )
        ],
        now=now, simulated=True, hourly_btc=None, turnover_floor=0.0, price_ttl_s=LONG_S,
    )  # fmt: skip
    value = published(whole, complete=True, previous=None)
    lifetimes = {f"ttl_{name}": LONG_S for name in CATALOGUE.kinds}
    settings = Settings(redis_url=f"{redis_url}/0", **lifetimes)
    cache = TieredCache.from_settings(settings, clock=time.time)
    try:
        cache.put(DASHBOARD.key(view="data"), value, as_of=now)
    finally:
        cache.close()
    body: bytes = value["body"]
    return body


LONG_S = 3600.0


def _entry(key: Any, value: Any, now: float) -> Entry:
    return Entry(
        key=key, value=value, as_of=now, stored_at=now, fresh_until=now + LONG_S,
        usable_until=now + LONG_S, version=1, tier="memory", clock=time.time,
    )  # fmt: skip


def _score(name: str, chance: random.Random, now: float) -> Entry:
    body = {
        "score": chance.uniform(0, 100), "band": "neutral",
        "signal": "neutral", "confidence": chance.random(),
        "components": {one: {"score": chance.uniform(0, 100)} for one in COMPONENTS[:3]},
        "missing": [{"name": one, "reason": "not in this measurement"} for one in COMPONENTS[3:]],
        "stale": [],
    }  # fmt: skip
    return _entry(CONFLUENCE.key(exchange="simulated", symbol=name), body, now)
