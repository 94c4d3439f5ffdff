"""Claims about `/api/alerts`: filters, pages, validators, and who may acknowledge."""

from __future__ import annotations

import pytest

from cache import Acknowledged
from cache.catalogue import ALERT_KINDS, ALERT_SEVERITIES, ALERTS
from tests.support.dashboards import NOW

URL = "/api/alerts"
ACKNOWLEDGE = f"{URL}/1747699200000100/acknowledge"
JSON = {"content_type": "application/json"}


def alert(number, **fields: object):
    """One alert; a higher number is newer."""
    return {
        "id": str(1_747_699_200_000_000 + number), "kind": "score", "exchange": "simulated",
        "symbol": "BTC/USDT:USDT", "severity": "info", "text": "score 72.4, up through 70",
        "raised_at": NOW - 100 + number, "acknowledged_at": None, "left_out": 0,
        "data": {"score": 72.4, "threshold": 70}, **fields,
    }  # fmt: skip


def put(cache, *alerts: object, evaluated_at=NOW):
    """Cache these as the newest, newest first."""
    value = {"alerts": list(alerts), "evaluated_at": evaluated_at}
    cache.put(ALERTS.key(scope="recent"), value, as_of=evaluated_at)


def ids(answer):
    """The last two digits of each id of an answer."""
    return [int(one["id"]) % 1000 for one in answer.json["alerts"]]


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


@pytest.fixture
def _varied(cache):
    put(
        cache,
        alert(5),
        alert(4, kind="return", severity="warning", symbol="ETH/USDT:USDT"),
        alert(3, kind="stale", severity="critical", symbol=None, acknowledged_at=NOW),
        alert(2, exchange="okx"),
        alert(1),
    )


def test_the_newest_come_first_with_all_that_is_known_of_them(cache, client):
    """As the journal has them, and when somebody last looked."""
    put(cache, alert(2), alert(1))

    answer = client.get(URL)

    assert answer.status_code == 200
    assert answer.json == {
        "state": "live", "reason": None, "alerts": [alert(2), alert(1)], "next": None, "as_of": NOW,
    }  # fmt: skip
    assert answer.headers["Cache-Control"] == "max-age=60, stale-if-error=0"
    assert answer.headers["Content-Type"] == "application/json"


def test_before_anybody_has_looked_there_is_no_list(client):
    """Not an empty one, which would be a calm market."""
    answer = client.get(URL)

    assert (answer.status_code, answer.json["type"]) == (503, "urn:tidemark:problem:nothing-yet")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_list_that_nobody_renews_says_since_when(cache, client, clock):
    """Its numbers are served, and nobody may take the silence for calm."""
    put(cache, alert(1))

    clock.move(61)
    answer = client.get(URL)

    assert (answer.json["state"], answer.json["reason"]) == (
        "stale",
        "nobody has looked for alerts since 00:00:00 UTC",
    )
    assert answer.headers["Cache-Control"].startswith("max-age=0")


@pytest.mark.usefixtures("_varied")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [5, 4, 3, 2, 1]),
        ("kind=score", [5, 2, 1]),
        ("kind=volume", []),
        ("severity=critical", [3]),
        ("exchange=okx", [2]),
        ("exchange=simulated&kind=score", [5, 1]),
        ("symbol=ETH/USDT:USDT", [4]),
        ("symbol=ETH%2FUSDT%3AUSDT", [4]),
        ("acknowledged=true", [3]),
        ("acknowledged=false&limit=2", [5, 4]),
        ("before=1747699200000003", [2, 1]),
        ("before=9", []),
        ("limit=1&before=1747699200000003&kind=score", [2]),
    ],
)
def test_filters_leave_what_fits_all_of_them(client, query, found):
    """In any combination."""
    assert ids(client.get(f"{URL}?{query}")) == found


def test_pages_follow_one_another_without_a_gap(cache, client):
    """Each is asked for with the `next` of the one before; new alerts at the top move nothing."""
    put(cache, *(alert(number) for number in range(7, 0, -1)))
    found, following = [], ""
    while following is not None:
        answer = client.get(f"{URL}?limit=3{following and f'&before={following}'}")
        found += ids(answer)
        following = answer.json["next"]
        put(cache, alert(8), *(alert(number) for number in range(7, 0, -1)))

    assert found == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.usefixtures("_varied")
@pytest.mark.parametrize(
    ("query", "field", "wanted"),
    [
        ("kind=scores", "kind", ", ".join(ALERT_KINDS)),
        ("kind=", "kind", ", ".join(ALERT_KINDS)),
        ("severity=Info", "severity", ", ".join(ALERT_SEVERITIES)),
        ("exchange=kraken", "exchange", "simulated, okx"),
        ("acknowledged=yes", "acknowledged", "true, false"),
        ("limit=0", "limit", "1 to 200"),
        ("limit=201", "limit", "1 to 200"),
        ("limit=ten", "limit", "1 to 200"),
        ("limit=%C2%B2", "limit", "1 to 200"),
        ("limit=-1", "limit", "1 to 200"),
        ("before=x", "before", "digits"),
        ("before=", "before", "digits"),
        ("before=111111111111111111111", "before", "digits"),
        ("symbol=", "symbol", "BTC/USDT:USDT"),
        ("symbol=%00", "symbol", "control"),
        (f"symbol={'x' * 81}", "symbol", "80"),
        ("kind=score&kind=volume", "kind", "more than once"),
        ("kinds=score", "kinds", "kind, severity, exchange, symbol, acknowledged, limit, before"),
    ],
)
def test_a_wrong_value_names_its_field_and_what_is_wanted(client, query, field, wanted):
    """Nothing is guessed, and nothing is ignored."""
    answer = client.get(f"{URL}?{query}")

    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert (answer.json["type"], answer.json["field"]) == ("urn:tidemark:problem:bad-input", field)
    assert wanted in answer.json["detail"]


def test_what_has_not_changed_is_not_sent_again(cache, client):
    """Also when the list was renewed meanwhile; what is new has another tag."""
    put(cache, alert(1))
    tag = client.get(URL).headers["ETag"]
    put(cache, alert(1), evaluated_at=NOW + 30)

    unchanged = client.get(URL, headers={"If-None-Match": tag})
    put(cache, alert(1, acknowledged_at=NOW))
    changed = client.get(URL, headers={"If-None-Match": tag})

    assert (unchanged.status_code, unchanged.data, unchanged.headers["ETag"]) == (304, b"", tag)
    assert (changed.status_code, changed.headers["ETag"] != tag) == (200, True)


def test_a_long_list_is_compressed_for_who_takes_that(cache, client):
    """And says so to caches."""
    put(cache, *(alert(number) for number in range(40, 0, -1)))

    squeezed = client.get(URL, headers={"Accept-Encoding": "gzip"})

    assert (squeezed.headers["Content-Encoding"], squeezed.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert len(squeezed.data) < len(client.get(URL).data) / 4


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
