"""Views and scores brought up to date by hand, and the score that came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cache.catalogue import CONFLUENCE
from tasks import derive
from tests.support.cached_inputs import BTC, TIMEFRAMES

if TYPE_CHECKING:
    from tasks.wire import House


def score(house: House, symbol: str = BTC) -> Any:
    """The cached score."""
    entry = house.cache.get(CONFLUENCE.key(exchange="okx", symbol=symbol))
    assert entry is not None
    return entry


def derive_all(house: House, *names: str) -> None:
    """Bring views and scores up to date."""
    derive.derive_views(house, "okx", list(names or (BTC,)), list(TIMEFRAMES))
    derive.derive_scores(house, "okx", list(names or (BTC,)))
