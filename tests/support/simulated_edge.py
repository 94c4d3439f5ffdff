"""The edge over a simulated exchange, as one thread has it."""

from __future__ import annotations

import time

from market.clients import make_client
from market.exchange import Exchange
from market.limiter import rate_of
from market.token_bucket import TokenBucket

BTC = "BTC/USDT:USDT"


def edge(sim, *, limiter=None, timeout_s: float = 5.0) -> Exchange:
    """An exchange of this thread, without patience."""
    client = make_client("simulated", simulator_url=sim.url, timeout_s=timeout_s)
    bucket = limiter or TokenBucket(exchange="simulated", rate=rate_of("simulated", rate_limit_ms=20))
    return Exchange(id="simulated", client=client, limiter=bucket, clock=time.time, patience_s=0.5)
