"""Which markets of an exchange are tracked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from market.model import Instrument

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def tracked_markets(markets: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of ccxt's markets that may be tracked: USDT linear perpetuals, else spot in USDT or USD."""
    live = [market for market in markets.values() if market.get("active") is not False]
    perpetuals = [market for market in live if _is_usdt_perpetual(market)]
    return perpetuals or [
        market for market in live if market.get("spot") and market["quote"] in ("USDT", "USD")
    ]


def ranked(
    markets: Iterable[Mapping[str, Any]],
    turnover_24h: Mapping[str, float | None],
    *,
    exchange: str,
    limit: int,
) -> tuple[Instrument, ...]:
    """The `limit` markets of the highest turnover; those that are not in `turnover_24h` are left out."""
    instruments = [
        Instrument(
            exchange=exchange,
            symbol=market["symbol"],
            base=market["base"],
            quote=market["quote"],
            type="swap" if market.get("swap") else "spot",
            turnover_24h=turnover_24h[market["symbol"]],
        )
        for market in markets
        if market["symbol"] in turnover_24h
    ]
    # The symbol decides between equals, so that the same answer gives the same order.
    instruments.sort(key=lambda one: (one.turnover_24h is None, -(one.turnover_24h or 0.0), one.symbol))
    return tuple(instruments[:limit])


def _is_usdt_perpetual(market: Mapping[str, Any]) -> bool:
    is_linear_swap = bool(market.get("swap") and market.get("linear"))
    return is_linear_swap and market["quote"] == market.get("settle") == "USDT"
