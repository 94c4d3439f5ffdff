"""Claims about what is not there: whose fault that is, what the score says of it, and whom it concerns."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cache.catalogue import CONFLUENCE, FUNDING, REFUSAL, TRADES, UNIVERSE
from market.errors import BadAnswer, NotSupported
from market.inputs import Funding
from market.score_inputs import INPUTS
from settings import Settings
from tasks import derive, refusals, sightings
from tasks.refusals import BELIEVED_S
from tasks.wire import House
from tests.support.cached_inputs import BTC, ETH, TIMEFRAMES, offer, put, put_all
from tests.support.dashboards import MovableClock, memory_cache

if TYPE_CHECKING:
    from collections.abc import Iterator

TRADES_OF_BTC = TRADES.key(exchange="okx", symbol=BTC)
NO_ENDPOINT = NotSupported("okx", "HTTP 404", symbol=BTC)
RUBBISH = BadAnswer("okx", "HTML", symbol=BTC)


@pytest.fixture
def house() -> Iterator[House]:
    """A house over memory alone with all of Bitcoin but its trades, of an exchange without open interest."""
    clock = MovableClock()
    cache = memory_cache(clock)
    made = House(settings=Settings(), cache=cache, clock=clock, exchange=SimpleNamespace)
    offer(made, tuple(name for name in INPUTS if name != "open_interest"))
    put_all(made)
    cache.remove(TRADES_OF_BTC)
    yield made
    cache.close()


def score(house: House) -> Any:
    """The score of Bitcoin, brought up to date."""
    derive.derive_views(house, "okx", [BTC], list(TIMEFRAMES))
    derive.derive_scores(house, "okx", [BTC])
    entry = house.cache.get(CONFLUENCE.key(exchange="okx", symbol=BTC))
    assert entry is not None
    return entry


def why(house: House, component: str) -> str:
    """Why a component lacks something."""
    (gap,) = [one for one in score(house).value["missing"] if one["name"] == component]
    reason: str = gap["reason"]
    return reason


def is_judged(house: House) -> bool:
    """Whether the score can raise an alert."""
    return sightings.of_score(house, "okx", BTC, score(house)) is not None


def test_what_was_asked_for_in_vain_is_missing_with_what_was_answered(house: House) -> None:
    """And not called awaited, once the exchange has no such call; until then a score raises no alert."""
    assert refusals.NOT_YET in why(house, "orderflow")
    assert not is_judged(house)

    refusals.note(house, TRADES_OF_BTC, NO_ENDPOINT)

    assert "asked for in vain: HTTP 404" in why(house, "orderflow")
    assert is_judged(house)


def test_a_bad_answer_is_followed_by_good_ones_or_by_a_quarter_of_an_hour_of_bad_ones(house: House) -> None:
    """The first trades move a score far, which is not the market's doing; but nobody waits for ever."""
    refusals.note(house, TRADES_OF_BTC, RUBBISH)
    assert "asked for in vain: HTML" in why(house, "orderflow")
    assert not is_judged(house)

    house.clock.move(refusals.GIVEN_UP_S + 1)  # type: ignore[attr-defined]
    put_all(house)
    house.cache.remove(TRADES_OF_BTC)
    refusals.note(house, TRADES_OF_BTC, RUBBISH)

    assert is_judged(house)


def test_a_refusal_that_nobody_repeats_is_over(house: House) -> None:
    """Another process may have got the value meanwhile: what is missing then is awaited anew."""
    refusals.note(house, TRADES_OF_BTC, RUBBISH)
    house.clock.move(BELIEVED_S + 1)  # type: ignore[attr-defined]
    put_all(house)
    house.cache.remove(TRADES_OF_BTC)

    assert why(house, "orderflow").count("asked for in vain") == 0
    assert not is_judged(house)
    refusals.note(house, TRADES_OF_BTC, RUBBISH)
    assert not is_judged(house)


def test_what_is_there_is_not_refused(house: House) -> None:
    """An older value is gone on with, and what comes takes back what was noted."""
    refusals.note(house, TRADES_OF_BTC, RUBBISH)
    refusals.forget(house, TRADES_OF_BTC)
    assert refusals.reasons(house, [TRADES_OF_BTC]) == {}

    put_all(house)
    refusals.note(house, TRADES_OF_BTC, RUBBISH)

    assert house.cache.get(REFUSAL.key(exchange="okx", symbol=BTC, input="trades")) is None


def test_a_timeframe_that_the_exchange_lacks_is_not_awaited(house: House) -> None:
    """Coinbase has no candles of four hours, and never will."""
    key = UNIVERSE.key(exchange="okx")
    universe = house.cache.get(key)
    assert universe is not None
    house.cache.put(key, {**universe.value, "timeframes": ["1m", "5m", "30m"]})
    put_all(house)

    reasons = {one["name"]: one["reason"] for one in score(house).value["inputs"] if not one["used"]}

    assert reasons["candles 4h"] == "okx has no candles of 4h"


def test_an_old_rate_of_one_symbol_is_late_for_that_symbol_alone(house: House) -> None:
    """They come in one answer, which is as old as the oldest of them."""
    now = house.clock()
    rates = {
        BTC: Funding("okx", BTC, 0.0001, 8.0, None, now).to_plain(),
        ETH: Funding("okx", ETH, 0.0001, 8.0, None, now - 10 * 3600).to_plain(),
    }
    put(house, FUNDING, {"funding": rates}, None)
    house.cache.put(FUNDING.key(exchange="okx"), {"funding": rates}, as_of=now - 10 * 3600)

    assert list(score(house).value["stale"]) == []

    derive.derive_scores(house, "okx", [ETH])
    other = house.cache.get(CONFLUENCE.key(exchange="okx", symbol=ETH))
    assert other is not None
    assert list(other.value["stale"]) == ["funding"]
