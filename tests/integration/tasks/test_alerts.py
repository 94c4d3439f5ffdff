"""Claims about the task that raises alerts, over a real cache: what is raised, and when."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from cache.catalogue import ALERTS
from market import alerts as conditions
from tasks import alerts, derive
from tests.support.alert_desks import BITCOIN, ETHER, ending, kinds, score_key
from tests.support.made_candles import flat
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

SOLANA = "SOL/USDT:USDT"

MANY = tuple(f"S{number}/USDT:USDT" for number in range(20))


def test_a_start_raises_nothing_and_a_crossing_one(desk, published):
    """Shown to readers, told in the log, and published."""
    assert desk.shown() == []
    published.clear()

    desk.score({BITCOIN: 72.4})
    with capture_logs() as logs:
        desk.evaluate()

    (alert,) = desk.shown()
    assert kinds([alert]) == [("score", BITCOIN)]
    assert (alert["severity"], alert["exchange"], alert["acknowledged_at"]) == ("info", "simulated", None)
    assert alert["data"] == {"score": 72.4, "threshold": 70}
    assert [(line["id"], line["kind"]) for line in logs if line["event"] == "alert_raised"] == [
        (alert["id"], "score")
    ]
    assert len(published) == 1


def test_what_goes_on_is_not_raised_again(desk, published):
    """And what is shown is left as it is."""
    desk.score({BITCOIN: 75.0})
    desk.evaluate()
    version = desk.cache.get(ALERTS.key(scope="recent")).version
    published.clear()

    for score in (76.0, 66.0, 71.0):
        desk.score({BITCOIN: score})
        desk.evaluate()

    assert kinds(desk.raised()) == [("score", BITCOIN)]
    assert desk.cache.get(ALERTS.key(scope="recent")).version == version
    assert published == []


def test_a_crossing_that_is_over_before_the_next_look_is_raised(desk, published):
    """Scores are judged as they are stored; the look that comes later adds nothing."""
    published.clear()
    for score in (75.0, 50.0):
        desk.score({BITCOIN: score})
        alerts.on_scores(desk.house, desk.cache.get_many([score_key(BITCOIN)]).values())

    assert kinds(desk.shown()) == [("score", BITCOIN)]
    assert len(published) == 1
    desk.evaluate()
    assert kinds(desk.raised()) == [("score", BITCOIN)]


def test_whoever_scores_judges(desk, monkeypatch):
    """Each score that was stored."""
    desk.list_symbols(SOLANA)
    judged = []
    monkeypatch.setattr(alerts, "on_scores", lambda _house, scores: judged.extend(scores))

    derive.derive_scores(desk.house, "simulated", [SOLANA])

    assert [entry.key.symbol for entry in judged] == [SOLANA]


def test_the_first_scores_of_a_start_are_no_crossings(desk):
    """Each input that comes for the first time moves a score far; one that an exchange has not never does."""
    desk.list_symbols(SOLANA, ETHER)
    for scores, lacking in (
        ({SOLANA: 50.0}, "not received yet"),
        ({SOLANA: 75.0, ETHER: 50.0}, "book: not received yet; 1m: too short"),
        ({SOLANA: 75.0, ETHER: 75.0}, "simulated has no trades"),
    ):
        desk.score(scores, lacking=lacking)
        desk.evaluate()

    assert kinds(desk.raised()) == [("score", ETHER)]


def test_a_score_without_a_number_is_no_crossing(desk):
    """Nor does it end a level."""
    for score in (75.0, None, 75.0):
        desk.score({BITCOIN: score})
        alerts.on_scores(desk.house, desk.cache.get_many([score_key(BITCOIN)]).values())

    assert kinds(desk.raised()) == [("score", BITCOIN)]


def test_a_swing_within_the_cooldown_is_not_raised(desk):
    """High, low, high: one alert for one symbol and kind within the hour."""
    for score in (75.0, 20.0, 75.0, 50.0, 20.0):
        desk.score({BITCOIN: score})
        desk.evaluate()

    assert [alert["data"]["threshold"] for alert in desk.raised()] == [70]


def test_bars_are_raised_from_candles(desk):
    """Once, by the bar's close, also when it is no longer the newest."""
    desk.candles(ETHER, ending(flat(39, timeframe="5m"), desk.clock() - 600))
    desk.evaluate()
    series = ending(flat(41, timeframe="5m"), desk.clock())
    series.volume[-2] = 9.0

    desk.candles(ETHER, series)
    desk.evaluate()
    desk.evaluate()

    (alert,) = desk.raised()
    assert (alert["kind"], alert["symbol"], alert["data"]["ratio"]) == ("volume", ETHER, 9.0)


def test_the_bars_of_a_start_are_history(desk):
    """Whatever they were: a symbol of which nothing is known starts from its newest bar."""
    series = flat(60, timeframe="5m")
    series.volume[[-2, -4, -6]] = 50.0

    desk.candles(ETHER, series)
    desk.evaluate()

    assert desk.raised() == []


def test_a_divergence_is_raised_from_the_betas(desk):
    """Of symbols that are listed."""
    desk.divergence({BITCOIN: None, ETHER: 0.3, "GONE/USDT": 0.1})
    desk.evaluate()

    desk.divergence({BITCOIN: None, ETHER: -2.6, "GONE/USDT": 9.0})
    desk.evaluate()

    assert kinds(desk.raised()) == [("beta_divergence", ETHER)]


def test_an_exchange_that_stays_away_is_one_alert(desk, monkeypatch):
    """Not at the first call that fails; then once, and nothing about the age of its data beside."""
    monkeypatch.setattr(conditions, "UNREACHABLE_FOR_S", 0.3)
    monkeypatch.setattr(conditions, "STALE_EXCHANGE_FOR_S", 0.0)
    for state in ("ok", "unreachable"):
        desk.status(state)
        desk.evaluate()
    assert desk.raised() == []
    desk.clock.move(500)

    def told():
        desk.evaluate()
        return desk.raised()

    eventually(told, within_s=8, every_s=0.05)
    for _ in "twice":
        desk.evaluate()

    assert kinds(desk.raised()) == [("unreachable", None)]
    assert (desk.raised()[0]["severity"], desk.raised()[0]["data"]["source"]) == ("critical", "tickers")


def test_an_outage_of_data_is_one_alert_for_its_exchange(desk, monkeypatch):
    """Twenty symbols that nobody refreshes any more; then all is well, but for one."""
    monkeypatch.setattr(conditions, "STALE_EXCHANGE_FOR_S", 0.0)
    monkeypatch.setattr(conditions, "STALE_SYMBOL_FOR_S", 0.0)
    desk.list_symbols(*MANY)
    desk.score(dict.fromkeys(MANY, 50.0))
    desk.price(*MANY)
    desk.evaluate()

    desk.clock.move(120)
    desk.evaluate()
    desk.evaluate()

    (alert,) = desk.raised()
    assert (alert["kind"], alert["symbol"], alert["severity"]) == ("stale", None, "critical")
    assert (alert["data"]["stale"], alert["data"]["symbols"]) == (20, 20)

    desk.price(*MANY)
    desk.score(dict.fromkeys(MANY[1:], 50.0))
    desk.evaluate()

    assert kinds(desk.raised()) == [("stale", MANY[0]), ("stale", None)]
    assert desk.raised()[0]["data"]["late"] == ["score"]


def test_only_what_has_changed_is_judged_again(desk):
    """What nobody renewed costs nothing; ages are looked at each time."""
    desk.divergence({ETHER: 0.1})
    desk.candles(ETHER, flat(40, timeframe="5m"))
    desk.evaluate()

    look = alerts.Look.at(desk.house, desk.memory.seen)

    assert {one.kind for one in look.sightings} == {"stale"}
    desk.score({ETHER: 51.0})
    changed = alerts.Look.at(desk.house, desk.memory.seen)
    assert [(one.kind, one.symbol) for one in changed.sightings if one.kind != "stale"] == [("score", ETHER)]
