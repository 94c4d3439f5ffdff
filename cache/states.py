"""The words that say how current something shown is, one list for server, pages and tests."""

from __future__ import annotations

from typing import Literal

State = Literal["live", "delayed", "stale", "empty"]

LIVE: State = "live"
DELAYED: State = "delayed"
STALE: State = "stale"
EMPTY: State = "empty"
