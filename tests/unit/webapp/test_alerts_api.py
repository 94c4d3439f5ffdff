"""Claims about the list at `/api/alerts`: filters, pages, validators."""

from __future__ import annotations

import pytest

from cache.catalogue import ALERT_KINDS, ALERT_SEVERITIES, ALERTS
from tests.support.dashboards import NOW

URL = "/api/alerts"


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


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("kind=bogus", 400, "kind"),
        ("limit=0", 400, "limit"),
        ("exchange=", 400, "exchange"),
        ("exchange=%00", 400, "exchange"),
        # Nobody knows yet whether the list will have alerts of it.
        ("exchange=kraken", 503, None),
        ("kind=score&limit=5", 503, None),
    ],
)
def test_a_wrong_value_is_told_before_anybody_has_looked(client, query, status, field):
    """It would be wrong then as well; waiting does not help."""
    answer = client.get(f"{URL}?{query}")

    assert (answer.status_code, answer.json.get("field")) == (status, field)


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
