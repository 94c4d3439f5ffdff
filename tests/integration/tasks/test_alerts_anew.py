"""Claims about alerts after an outage, and of symbols that come back: what is no news is not told."""

from __future__ import annotations

import pytest

from cache.catalogue import BETA
from market import alerts as conditions
from tasks import forget
from tests.support.alert_desks import BITCOIN, ETHER, ending, kinds, score_key
from tests.support.made_candles import flat

pytestmark = pytest.mark.integration

AGES = [
    ("order_book", 30, True),
    ("order_book", 905, False),
    ("candles 5m", 300 + 30, True),
    ("candles 5m", 300 + 905, False),
    ("open_interest", 7200, True),
]


def test_a_bar_of_long_ago_is_no_news(desk):
    """After an outage its level is taken over; what stands out after it is told."""
    for moved in (1, 2):
        desk.candles(ETHER, ending(flat(38 + moved, timeframe="5m"), desk.clock()))
        desk.evaluate()
        desk.clock.move(3600)
        series = ending(flat(51, timeframe="5m"), desk.clock())
        series.volume[-4 if moved == 1 else -3] = 9.0

        desk.candles(ETHER, series)
        desk.evaluate()

    (alert,) = desk.raised()
    assert (alert["kind"], alert["symbol"]) == ("volume", ETHER)
    assert alert["data"]["closed_at"] == pytest.approx(desk.clock() - 600, abs=5)


@pytest.mark.parametrize(("name", "age_s", "told"), AGES)
def test_a_score_made_of_what_was_long_ago_is_no_news(desk, name, age_s, told):
    """Its level is stored all the same. An input that comes seldom may be as old as it is."""
    now = desk.clock()
    used = {"used": True, "stale": False, "reason": None}
    value = {
        "score": 75.0, "stale": [], "missing": [],
        "inputs": [
            {**used, "name": "candles 4h", "as_of": now - 14_000},
            {**used, "name": "candles 1m", "as_of": None, "used": False},
            {**used, "name": name, "as_of": now - age_s},
        ],
    }  # fmt: skip

    desk.cache.put(score_key(BITCOIN), value)
    desk.evaluate()
    desk.score({BITCOIN: 76.0})
    desk.evaluate()

    assert kinds(desk.raised()) == ([("score", BITCOIN)] if told else [])


def test_a_divergence_of_long_ago_is_no_news(desk):
    """The betas may be those of before an outage of everything."""
    desk.divergence({ETHER: 0.3})
    desk.evaluate()
    key = BETA.key(exchange="simulated", timeframe="5m")
    row = {"ols": None, "ewma": None, "divergence_z": 3.0}

    desk.cache.put(key, {"symbols": {ETHER: row}}, as_of=desk.clock() - conditions.NEWS_FOR_S - 5)
    desk.evaluate()

    assert desk.raised() == []


def test_a_symbol_that_is_listed_again_starts_anew(desk):
    """What was raised of it stays, and so does the cooldown; the level at which it stood does not."""
    desk.score({BITCOIN: 75.0})
    desk.evaluate()
    (first,) = desk.raised()

    forget.forget(desk.house, "simulated", [BITCOIN])
    desk.evaluate()
    assert desk.raised() == [first]

    for score in (25.0, 50.0, 75.0):
        desk.score({BITCOIN: score})
        desk.evaluate()
    assert desk.raised() == [first]
    desk.score({ETHER: 75.0})
    desk.evaluate()
    assert kinds(desk.raised()) == [("score", ETHER), ("score", BITCOIN)]


def test_a_symbol_that_is_listed_at_another_level_is_no_crossing(desk):
    """It was calm when it left, and weeks later it is not."""
    forget.forget(desk.house, "simulated", [BITCOIN])

    desk.score({BITCOIN: 75.0, ETHER: 75.0})
    desk.evaluate()

    assert kinds(desk.raised()) == [("score", ETHER)]
