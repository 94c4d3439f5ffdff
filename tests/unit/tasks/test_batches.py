"""Claims about a batch of symbols that is fetched one after the other."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cache import Put
from cache.catalogue import EXCHANGE_STATUS, ORDER_BOOK, UNIVERSE
from market.errors import BadAnswer, SymbolUnknown
from settings import Settings
from tasks import batches
from tasks.setbacks import LONGEST_FOR_ALL_S, MANY, SETBACKS, Doubts
from tasks.symbol_inputs import CLAIM_S
from tasks.wire import House
from tests.support.dashboards import MovableClock, memory_cache

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEYS = {f"S{number}": ORDER_BOOK.key(exchange="okx", symbol=f"S{number}") for number in range(MANY + 1)}
OKX: Any = SimpleNamespace(id="okx", spent=float)


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A house over memory alone, whose messages go nowhere."""
    monkeypatch.setattr(batches, "request_publish", lambda _cache: None)
    monkeypatch.setattr(batches, "derive_symbols", lambda *_of: None)
    clock = MovableClock()
    cache = memory_cache(clock)
    monkeypatch.setattr(batches, "DOUBTS", Doubts())
    yield House(settings=Settings(), cache=cache, clock=clock, exchange=SimpleNamespace)
    SETBACKS.clear()
    cache.close()


def fetched(house: House, symbols: Sequence[str], *, bad: Sequence[str] = ()) -> None:
    """Run one batch, in which some symbols are answered badly."""

    def fetch(symbol: str) -> Put:
        if symbol in bad:
            raise BadAnswer("okx", "bid above ask", symbol=symbol)
        return Put(KEYS[symbol], {}, as_of=house.clock())

    keys = {symbol: KEYS[symbol] for symbol in symbols}
    batches.fetch_each(house, OKX, "order_book", keys, timeframes=[], fetch=fetch)


def state(house: House) -> str | None:
    """What the dashboard would say of the exchange's order books."""
    entry = house.cache.get(EXCHANGE_STATUS.key(exchange="okx", source="order_book"))
    return entry.value["state"] if entry else None


def track(house: House, *symbols: str) -> None:
    """Follow these."""
    house.cache.put(UNIVERSE.key(exchange="okx"), {"instruments": [{"symbol": one} for one in symbols]})


def test_one_symbol_with_bad_answers_is_not_the_exchanges_trouble(house: House) -> None:
    """Nor is it when it comes alone in its batch, however often."""
    track(house, *KEYS)
    fetched(house, ["S0", "S1"])

    for _ in range(3):
        fetched(house, ["S2"], bad=["S2"])

    assert state(house) == "ok"


def test_bad_answers_for_a_second_symbol_are_the_exchanges_trouble(house: House) -> None:
    """Also over several batches; and one good answer ends it."""
    track(house, *KEYS)
    fetched(house, ["S2"], bad=["S2"])
    assert state(house) is None

    with pytest.raises(BadAnswer):
        fetched(house, ["S3"], bad=["S3"])
    assert state(house) == "bad_answer"

    fetched(house, ["S4"])
    fetched(house, ["S2"], bad=["S2"])
    assert state(house) == "ok"


def test_bad_answers_for_the_only_symbol_are_the_exchanges_trouble(house: House) -> None:
    """There is nobody else to tell."""
    track(house, "S0")

    with pytest.raises(BadAnswer):
        fetched(house, ["S0"], bad=["S0"])

    assert state(house) == "bad_answer"


def test_a_symbol_that_is_not_known_is_no_bad_answer(house: House) -> None:
    """The exchange said so, and well."""
    track(house, *KEYS)
    house.cache.claim("universe:okx:early", 60.0)

    def fetch(symbol: str) -> Put:
        raise SymbolUnknown("okx", "not traded here", symbol=symbol)

    batches.fetch_each(house, OKX, "order_book", KEYS, timeframes=[], fetch=fetch)

    assert state(house) is None


def test_after_bad_answers_for_all_nothing_rests_for_long(house: House) -> None:
    """Or everything would wait for minutes once the exchange is well; one that alone is bad does rest."""
    track(house, *KEYS)
    for _ in range(8):
        fetched(house, ["S0"])
        fetched(house, ["S1"], bad=["S1"])
    for _ in range(8):
        with pytest.raises(BadAnswer):
            fetched(house, ["S2", "S3"], bad=["S2", "S3"])

    house.clock.move(LONGEST_FOR_ALL_S + 0.1)  # type: ignore[attr-defined]

    resting = [name for name, key in KEYS.items() if SETBACKS.is_resting(key, house.clock())]
    assert resting == ["S1"]


def test_the_first_good_answer_after_many_bad_ones_lets_everything_be_asked_for(house: House) -> None:
    """Nothing waits for the end of a rest that was for an exchange in trouble."""
    track(house, *KEYS)
    with pytest.raises(BadAnswer):
        fetched(house, list(KEYS)[:MANY], bad=KEYS)
    assert all(SETBACKS.is_resting(KEYS[name], house.clock()) for name in list(KEYS)[:MANY])

    fetched(house, list(KEYS)[MANY:])

    assert not any(SETBACKS.is_resting(key, house.clock()) for key in KEYS.values())


def test_a_batch_ends_with_its_message(house: House) -> None:
    """The claims to the rest are over by then: whoever went on would ask for it a second time."""
    took_s = CLAIM_S / 2.5

    def fetch(symbol: str) -> Put:
        house.clock.move(took_s)  # type: ignore[attr-defined]
        return Put(KEYS[symbol], {}, as_of=house.clock())

    batches.fetch_each(house, OKX, "order_book", KEYS, timeframes=[], fetch=fetch)

    assert list(house.cache.get_many(KEYS.values())) == list(KEYS.values())[:3]
