"""Claims about a batch of symbols that is fetched one after the other."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cache import Put
from cache.catalogue import ORDER_BOOK
from settings import Settings
from tasks import batches
from tasks.symbol_inputs import CLAIM_S
from tasks.wire import House
from tests.support.dashboards import MovableClock, memory_cache

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS = {f"S{number}": ORDER_BOOK.key(exchange="okx", symbol=f"S{number}") for number in range(10)}
OKX: Any = SimpleNamespace(id="okx", spent=float)


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A house over memory alone, whose messages go nowhere."""
    monkeypatch.setattr(batches, "request_publish", lambda _cache: None)
    monkeypatch.setattr(batches, "derive_symbols", lambda *_of: None)
    clock = MovableClock()
    cache = memory_cache(clock)
    yield House(settings=Settings(), cache=cache, clock=clock, exchange=SimpleNamespace)
    cache.close()


def test_a_batch_ends_with_its_message(house: House) -> None:
    """The claims to the rest are over by then: whoever went on would ask for it a second time."""
    took_s = CLAIM_S / 2.5

    def fetch(symbol: str) -> Put:
        house.clock.move(took_s)  # type: ignore[attr-defined]
        return Put(KEYS[symbol], {}, as_of=house.clock())

    batches.fetch_each(house, OKX, "order_book", KEYS, timeframes=[], fetch=fetch)

    assert list(house.cache.get_many(KEYS.values())) == list(KEYS.values())[:3]
