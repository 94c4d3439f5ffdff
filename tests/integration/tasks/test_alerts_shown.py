"""Claims about the list of alerts: one of each, whoever died or forgot meanwhile, and as new as it says."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from cache import Recorded
from cache.catalogue import ALERT_JOURNAL, ALERTS
from tasks import alerts
from tests.support.alert_desks import BITCOIN, ETHER, kinds, score_key
from tests.support.raised import doubled
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


def test_a_redis_that_goes_away_in_between_leaves_the_list_as_it_is(desk):
    """What was recorded is shown by the next run."""
    before = desk.cache.get(ALERTS.key(scope="recent")).version

    silent = SimpleNamespace(recent=lambda _most: None)
    alerts.show(desk.house, silent, Recorded("memory", ("1",), 0, "1"))

    assert desk.cache.get(ALERTS.key(scope="recent")).version == before


def test_two_processes_raise_one(make_desk, desk):
    """Each with a memory of its own."""
    other = make_desk()
    other.evaluate()
    desk.score({BITCOIN: 75.0, ETHER: 25.0})
    eventually(lambda: other.cache.get(score_key(BITCOIN)).value["score"] == 75.0, within_s=8)

    for one in (desk, other, desk, other):
        one.evaluate()

    assert sorted(kinds(desk.raised())) == [("score", BITCOIN), ("score", ETHER)]
    assert doubled(desk.raised(), desk.house.settings.alert_cooldown) == []


def test_a_process_that_died_after_recording_is_made_up_for(make_desk, desk, monkeypatch):
    """The journal has the alert; whoever comes next shows it."""
    desk.score({BITCOIN: 75.0})
    with monkeypatch.context() as killed:
        killed.setattr(alerts, "show", lambda *_: None)
        desk.evaluate()
    assert (kinds(desk.raised()), desk.shown()) == ([("score", BITCOIN)], [])

    make_desk().evaluate()

    assert eventually(lambda: kinds(desk.shown()), within_s=8) == [("score", BITCOIN)]


def test_what_redis_did_not_hear_is_raised_when_it_is_back(make_desk, redis_server):
    """Once: the score still stands against the level that was stored."""
    desk = make_desk(redis_server)
    desk.list_symbols(BITCOIN)
    desk.score({BITCOIN: 50.0})
    desk.evaluate()
    desk.score({BITCOIN: 75.0})

    redis_server.freeze()
    with capture_logs() as logs:
        desk.evaluate()
        desk.evaluate()
    redis_server.thaw()
    assert [line["event"] for line in logs].count("alerts_postponed") == 2
    eventually(lambda: desk.cache.health()["l3"] == "up", within_s=8)
    for _ in "twice":
        desk.evaluate()

    assert kinds(desk.raised()) == [("score", BITCOIN)]


def test_a_redis_that_lost_its_memory_is_where_everything_starts_from(make_desk, redis_server):
    """Also for what this process had recorded before, and what has not changed since."""
    desk = make_desk(redis_server)
    desk.list_symbols(BITCOIN, ETHER)
    desk.score({BITCOIN: 75.0, ETHER: 50.0})
    desk.evaluate()

    redis_server.restart()
    eventually(lambda: desk.cache.health()["l3"] == "up", within_s=8)
    desk.list_symbols(BITCOIN, ETHER)
    desk.score({BITCOIN: 75.0})
    desk.evaluate()
    assert desk.raised() == []

    desk.score({ETHER: 75.0})
    desk.evaluate()
    assert kinds(desk.raised()) == [("score", ETHER)]


def test_an_acknowledgement_is_shown_by_the_next_run(desk):
    """As soon as whoever acknowledged has said that the list is not true any more."""
    desk.score({BITCOIN: 75.0})
    desk.evaluate()
    desk.cache.journal(ALERT_JOURNAL).acknowledge(desk.shown()[0]["id"])
    desk.evaluate()
    assert desk.shown()[0]["acknowledged_at"] is None

    desk.cache.expire(ALERTS.key(scope="recent"))
    desk.evaluate()

    assert desk.shown()[0]["acknowledged_at"] is not None
    assert desk.cache.get(ALERTS.key(scope="recent")).state == "fresh"


def test_the_list_is_renewed_before_it_turns_stale(desk):
    """Else readers would take a quiet market for one that nobody looks at."""
    version = desk.cache.get(ALERTS.key(scope="recent")).version
    desk.clock.move(desk.house.settings.ttl_alerts / 2 + 1)

    desk.evaluate()

    assert desk.cache.get(ALERTS.key(scope="recent")).version > version
