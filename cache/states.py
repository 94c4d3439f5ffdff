"""The words that say how current something shown is, one list for server, pages and tests."""

from __future__ import annotations

from typing import Literal

State = Literal["live", "delayed", "stale", "empty"]

LIVE: State = "live"
DELAYED: State = "delayed"
STALE: State = "stale"
EMPTY: State = "empty"


def summarise(*, fresh: int, total: int) -> State:
    """The word for a whole of `total` parts of which `fresh` are fresh."""
    if total == 0:
        return EMPTY
    if fresh == 0:
        return STALE
    return LIVE if fresh >= total else DELAYED
