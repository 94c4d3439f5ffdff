"""The words that say how current something shown is, and how an exchange is doing, each written once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

State = Literal["live", "delayed", "stale", "empty"]

LIVE: State = "live"
DELAYED: State = "delayed"
STALE: State = "stale"
EMPTY: State = "empty"

OK = "ok"
UNKNOWN = "unknown"
EXCHANGE_STATES = (OK, UNKNOWN, "bad_answer", "unreachable", "rate_limited", "banned")
"""The states of an exchange, from the best to the worst; a word that is not there counts as unknown."""


def worst(sources: Mapping[str, str]) -> str:
    """The source of an exchange whose state is the worst, the first of equals; there must be one."""
    return max(sources, key=lambda source: _severity(sources[source]))


def _severity(word: str) -> int:
    return EXCHANGE_STATES.index(word if word in EXCHANGE_STATES else UNKNOWN)
