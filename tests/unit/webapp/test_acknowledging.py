"""Claims about acknowledging an alert over HTTP: what is answered, and who may."""

from __future__ import annotations

import pytest

from cache import Acknowledged
from tests.support.dashboards import NOW

URL = "/api/alerts"
ACKNOWLEDGE = f"{URL}/1747699200000100/acknowledge"
JSON = {"content_type": "application/json"}


class Journal:
    """Stands in for the journal in Redis: gives the answer that a test chose."""

    def __init__(self, answer) -> None:
        self.answer = answer
        self.asked = []

    def acknowledge(self, alert_id):
        """What was chosen."""
        self.asked.append(alert_id)
        return self.answer

    def recent(self, _most):
        """Nothing is shown after it."""


@pytest.fixture
def journal(cache, monkeypatch):
    """Give the app a journal with this answer."""

    def given(answer):
        made = Journal(answer)
        monkeypatch.setattr(cache, "journal", lambda _name: made)
        return made

    return given


def test_an_acknowledgement_is_answered_with_its_time(client, journal):
    """Doing it again is answered in the same way."""
    asked = journal(Acknowledged(NOW, now=True))

    first = client.post(ACKNOWLEDGE, **JSON)
    asked.answer = Acknowledged(NOW)
    again = client.post(ACKNOWLEDGE, data=b" {} ", **JSON)

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json == again.json == {"id": "1747699200000100", "acknowledged_at": NOW}
    assert first.headers["Cache-Control"] == "no-store"
    assert asked.asked == ["1747699200000100"] * 2


def test_an_unknown_alert_cannot_be_acknowledged(client, journal):
    """It may have been dropped meanwhile."""
    journal(Acknowledged(None))

    answer = client.post(ACKNOWLEDGE, **JSON)

    assert (answer.status_code, answer.json["type"]) == (404, "urn:tidemark:problem:alert-unknown")
    assert answer.json["id"] == "1747699200000100"


def test_without_redis_an_acknowledgement_is_refused_with_the_reason(client):
    """Nothing is promised that nobody can keep: this cache has no Redis at all."""
    answer = client.post(ACKNOWLEDGE, **JSON)

    assert (answer.status_code, answer.json["type"]) == (503, "urn:tidemark:problem:no-redis")
    assert "Redis" in answer.json["detail"]
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://elsewhere"},
        {"Origin": "http://localhost:8002"},
        {"Origin": "http://localhost.elsewhere"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://[::1"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://elsewhere", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_a_page_of_another_origin_acknowledges_nothing(client, journal, headers):
    """Whatever its browser says of it."""
    asked = journal(Acknowledged(NOW, now=True))

    answer = client.post(ACKNOWLEDGE, headers=headers, **JSON)

    assert (answer.status_code, answer.json["type"]) == (403, "urn:tidemark:problem:other-origin")
    assert asked.asked == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
        {"Origin": "https://LOCALHOST"},
        {"Sec-Fetch-Site": "same-origin"},
        {},
    ],
)
def test_our_own_pages_and_programs_acknowledge(client, journal, headers):
    """A proxy may end TLS in front of us; a program has no origin."""
    journal(Acknowledged(NOW, now=True))

    assert client.post(ACKNOWLEDGE, headers=headers, **JSON).status_code == 200


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"{}", "application/x-www-form-urlencoded", 415),
        (b"", None, 415),
        (b"{}", "application/json; charset=utf-8", 200),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"by": "me"}', "application/json", 400),
        (b"{}" + b" " * 1100, "application/json", 413),
    ],
)
def test_only_empty_json_is_taken(client, journal, body, content_type, status):
    """A form of any page could be sent without the browser asking first."""
    asked = journal(Acknowledged(NOW, now=True))

    answer = client.post(ACKNOWLEDGE, data=body, content_type=content_type)

    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("application/")
    assert bool(asked.asked) is (status == 200)


def test_nobody_else_is_told_that_he_may(client):
    """A browser asks first before it sends JSON to another origin: it gets no leave."""
    asked = {"Origin": "http://elsewhere", "Access-Control-Request-Method": "POST"}

    answer = client.options(ACKNOWLEDGE, headers=asked)

    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
    assert client.get(ACKNOWLEDGE).status_code == 405
