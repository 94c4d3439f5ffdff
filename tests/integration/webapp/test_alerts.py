"""Claims about acknowledging over real servers: what is seen by whom, at once and after losses."""

from __future__ import annotations

import time

import pytest

from cache import Observation
from cache.catalogue import ALERT_JOURNAL, ALERTS
from tests.support.waiting import eventually
from webapp import create_app

pytestmark = pytest.mark.integration

KEY = ALERTS.key(scope="recent")
BODY = {
    "kind": "score", "exchange": "simulated", "symbol": "BTC/USDT:USDT", "severity": "info", "text": "up",
    "data": {},
}  # fmt: skip


def show(cache, clock):
    """Put the list as the task does."""
    token = cache.token()
    alerts = [entry.plain() for entry in cache.journal(ALERT_JOURNAL).recent(1000)]
    cache.put(KEY, {"alerts": alerts, "evaluated_at": clock()}, as_of=clock(), token=token)
    return alerts


def acknowledge(client, alert):
    """Ask for it as a page of ours does."""
    return client.post(f"/api/alerts/{alert['id']}/acknowledge", json={})


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """A machine that is busy for 50 ms shall not change the answers."""
    monkeypatch.setattr("cache.tiers.redis.BUDGET_S", 0.5)


@pytest.fixture
def clock():
    """Real time."""
    return time.time


@pytest.fixture
def client(cache, clock):
    """The web process."""
    return create_app(cache=cache, clock=clock, exchanges=("simulated",)).test_client()


@pytest.fixture
def raised(publisher, clock):
    """Two alerts, the older one first, shown by the process that raised them."""
    journal = publisher.journal(ALERT_JOURNAL)
    for mark, level in enumerate(("", "high", "", "high"), 1):
        journal.record([Observation("score", level, BODY if level else None, mark=mark)])
    return list(reversed(show(publisher, clock)))


def test_an_acknowledgement_is_seen_by_everybody_at_once(client, cache, publisher, raised):
    """By the page that made it with its next question, by other processes with the message of the write."""
    assert [one["acknowledged_at"] for one in client.get("/api/alerts").json["alerts"]] == [None, None]

    first, again = acknowledge(client, raised[0]), acknowledge(client, raised[0])

    assert (first.status_code, again.json) == (200, first.json)
    shown = client.get("/api/alerts?acknowledged=true").json["alerts"]
    assert [(one["id"], one["acknowledged_at"]) for one in shown] == [
        (raised[0]["id"], first.json["acknowledged_at"])
    ]
    eventually(lambda: publisher.get(KEY).version == cache.get(KEY).version, within_s=20)
    assert publisher.get(KEY).state == "fresh"


def test_a_list_that_was_read_before_and_stored_after_it_is_not_believed(
    client, cache, publisher, raised, clock
):
    """The task read the journal, somebody acknowledged, the task stored: stale, so that it looks again."""
    token = publisher.token()
    old = [entry.plain() for entry in publisher.journal(ALERT_JOURNAL).recent(10)]
    acknowledge(client, raised[1])

    publisher.put(KEY, {"alerts": old, "evaluated_at": clock()}, as_of=clock(), token=token)

    entry = publisher.get(KEY)
    assert entry.state == "stale" or entry.value["alerts"][0]["acknowledged_at"] is not None
    show(publisher, clock)
    found = eventually(lambda: client.get("/api/alerts?acknowledged=true").json["alerts"], within_s=20)
    assert [one["id"] for one in found] == [raised[1]["id"]]
    assert cache.get(KEY).state == "fresh"


def test_an_acknowledgement_whose_list_was_lost_is_shown_by_the_next_try(client, publisher, raised):
    """The first who tried died between the journal and the list."""
    publisher.journal(ALERT_JOURNAL).acknowledge(raised[0]["id"])
    assert client.get("/api/alerts?acknowledged=true").json["alerts"] == []

    assert acknowledge(client, raised[0]).status_code == 200

    assert len(client.get("/api/alerts?acknowledged=true").json["alerts"]) == 1


def test_while_redis_is_away_the_list_is_served_and_nothing_is_acknowledged(
    client, cache, raised, redis_server
):
    """503 with the reason; and once it is back, the same button works."""
    client.get("/api/alerts")
    redis_server.freeze()

    refused = acknowledge(client, raised[0])
    listed = client.get("/api/alerts")

    assert (refused.status_code, refused.json["type"]) == (503, "urn:tidemark:problem:no-redis")
    assert len(listed.json["alerts"]) == 2
    redis_server.thaw()
    eventually(lambda: cache.health()["l3"] == "up", within_s=20)
    assert acknowledge(client, raised[0]).status_code == 200
