"""How one task tells the next that something changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cache.catalogue import CONFLUENCE
from tasks import app

if TYPE_CHECKING:
    from cache import TieredCache

GATHER_S = 0.25
"""Changes within this time are published together."""

EXPIRES_S = 30.0


def derive_symbols(cache: TieredCache, exchange: str, symbols: list[str], timeframes: list[str]) -> None:
    """Have the symbols scored; `timeframes` are those whose candles changed.

    Those that somebody is looking at go before the others.
    """
    looked_at = {key.params["symbol"] for key in cache.watched((CONFLUENCE,)) if key.exchange == exchange}
    ahead = [symbol for symbol in symbols if symbol in looked_at]
    others = [symbol for symbol in symbols if symbol not in looked_at]
    for queue, some in (("high", ahead), ("normal", others)):
        if some:
            app.send_task(
                "tasks.derive.symbols", (exchange, some, timeframes), queue=queue, expires=EXPIRES_S
            )


def request_publish(cache: TieredCache) -> None:
    """Have the dashboard published within `GATHER_S`, once for all who ask in that time.

    Whoever finds the claim taken stored its change before the claim ran out, and the publishing
    that belongs to the claim starts after that: no change is left out.
    """
    if cache.claim("publish", GATHER_S):
        app.send_task("tasks.publish.dashboard", countdown=GATHER_S, expires=EXPIRES_S)
