"""The markets of ccxt cut down to what our calls need, small enough for a cache; and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2s
from typing import TYPE_CHECKING, Any

from market.universe import tracked_markets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# What ccxt's public calls, and our own code, read of a market.
FIELDS = (
    "id", "symbol", "base", "quote", "settle", "baseId", "quoteId", "settleId", "type", "spot", "swap",
    "future", "option", "contract", "linear", "inverse", "contractSize",
)  # fmt: skip
# And of what the exchange itself said: Bybit's minutes between two settlements.
INFO_FIELDS = ("fundingInterval",)


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of the markets between two lists, by symbol.

    `renamed` maps an old symbol to the new one of the same market. A symbol that stands for another market
    now is both `gone` and `new`: nothing that is known of it is true any more.
    """

    renamed: Mapping[str, str]
    gone: tuple[str, ...]
    new: tuple[str, ...]


def plain_markets(markets: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The markets that may be tracked, as plain values without None, in the order of their symbols."""
    kept = sorted(tracked_markets(markets), key=lambda market: str(market["symbol"]))
    return [_plain(market) for market in kept]


def fingerprint(plain: Iterable[Mapping[str, Any]]) -> str:
    """The same text for the same markets, by the exchange's own names, in any order."""
    names = sorted(_identity(market) for market in plain)
    return blake2s(repr(names).encode(), digest_size=16).hexdigest()


def changes(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> Changes:
    """What differs between two lists of plain markets.

    A market is the same when the exchange calls it the same, whatever symbol ccxt makes of that.
    """
    old = {_identity(market): str(market["symbol"]) for market in before}
    now = {_identity(market): str(market["symbol"]) for market in after}
    renamed = {
        symbol: now[identity]
        for identity, symbol in old.items()
        if identity in now and now[identity] != symbol
    }
    gone = (symbol for identity, symbol in old.items() if identity not in now)
    new = (symbol for identity, symbol in now.items() if identity not in old)
    return Changes(renamed, tuple(sorted(gone)), tuple(sorted(new)))


def _identity(market: Mapping[str, Any]) -> tuple[str, str]:
    """The exchange's own name; a spot market and a perpetual may share one."""
    return str(market["type"]), str(market["id"])


def _plain(market: Mapping[str, Any]) -> dict[str, Any]:
    said = market.get("info")
    info = {name: said[name] for name in INFO_FIELDS if name in said} if isinstance(said, dict) else {}
    return {
        **{name: market[name] for name in FIELDS if market.get(name) is not None},
        "active": True,
        "info": info,
    }
