"""Claims about the dashboard's JSON: the published bytes, their age, and who has them already."""

from __future__ import annotations

import gzip
import json

import pytest

from cache.catalogue import DASHBOARD
from tests.support.dashboards import NOW, document, publish, put_status, row, window

URL = "/api/dashboard/data"


def test_the_published_bytes_are_sent_as_they_are(cache, client):
    """Nothing is decoded, encoded or added on the way."""
    body = publish(cache)

    answer = client.get(URL)

    assert (answer.status_code, answer.data) == (200, body)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Content-Length"] == str(len(body))
    assert answer.headers["ETag"] == '"abc123"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_small_view_is_another_document(cache, client):
    """Each view has its own entry in the cache."""
    publish(cache)
    body = publish(cache, document([row("ETH/USDT:USDT")]), view="mobile", etag='"small"')

    answer = client.get("/api/dashboard/mobile")

    assert (answer.data, answer.headers["ETag"]) == (body, '"small"')


def test_age_and_lifetime_come_from_the_entry(cache, client, clock):
    """The whole fresh time and the age in it: a reader that subtracts one from the other is right."""
    publish(cache)

    clock.move(7.6)
    answer = client.get(URL)

    assert answer.headers["Age"] == "7"
    assert answer.headers["Cache-Control"] == "max-age=20, stale-if-error=0"


def test_the_headers_follow_the_clock_within_one_version(cache, client, clock):
    """Prepared answers live for at most the second that they were prepared for."""
    publish(cache)

    lives = []
    for _ in range(3):
        answer = client.get(URL)
        lives.append((answer.headers["Age"], answer.headers["Cache-Control"].split(",", 1)[0]))
        clock.move(1)

    assert lives == [("0", "max-age=20"), ("1", "max-age=20"), ("2", "max-age=20")]


def test_a_new_body_replaces_the_old_one_at_once(cache, client):
    """The version of the entry decides, not the second."""
    publish(cache)
    client.get(URL)
    body = publish(cache, document([row(price=1.0)]), etag='"next"')

    answer = client.get(URL)

    assert (answer.data, answer.headers["ETag"]) == (body, '"next"')


@pytest.mark.parametrize("tag", ['"abc123"', 'W/"abc123"', '"x", "abc123"', '"x", W/"abc123" , "y"', "*"])
def test_who_has_it_already_gets_304_without_a_body(cache, client, tag):
    """Weak comparison over lists and the star, with the headers that a cache needs."""
    publish(cache)

    answer = client.get(URL, headers={"If-None-Match": tag})

    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == '"abc123"'
    assert answer.headers["Cache-Control"].startswith("max-age=20")
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert "Content-Length" not in answer.headers
    assert "Content-Type" not in answer.headers


@pytest.mark.parametrize("tag", ['"abc12"', "abc", '"x", "y"', "", '"', "W/"])
def test_who_has_another_one_gets_the_body(cache, client, tag):
    """Also when the header is no list of tags at all."""
    body = publish(cache)

    answer = client.get(URL, headers={"If-None-Match": tag})

    assert (answer.status_code, answer.data) == (200, body)


def test_head_has_the_headers_and_no_body(cache, client):
    """The length is that of the body which GET would send."""
    body = publish(cache)

    answer = client.head(URL)

    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(body))
    assert answer.headers["ETag"] == '"abc123"'


@pytest.mark.parametrize("accepted", ["gzip", "br;q=1.0, gzip;q=0.8", "*", "gzip, deflate, br, zstd"])
def test_a_client_that_takes_gzip_gets_it_under_a_weak_tag(cache, client, accepted):
    """Other bytes, same meaning; either tag is answered with 304."""
    body = publish(cache)

    answer = client.get(URL, headers={"Accept-Encoding": accepted})
    again = client.get(URL, headers={"Accept-Encoding": accepted, "If-None-Match": answer.headers["ETag"]})

    assert gzip.decompress(answer.data) == body
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Length"] == str(len(answer.data))
    assert answer.headers["ETag"] == 'W/"abc123"'
    assert again.status_code == 304


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "br", "*;q=0", "gzip;q=0, *"])
def test_a_client_that_does_not_take_gzip_gets_plain_bytes(cache, client, accepted):
    """A quality of zero is a refusal."""
    body = publish(cache)

    answer = client.get(URL, headers={"Accept-Encoding": accepted})

    assert (answer.data, answer.headers.get("Content-Encoding")) == (body, None)


def test_a_stale_mark_alone_changes_no_byte_but_forbids_caching(cache, client, clock):
    """A cascade says that a newer one is due, not that this one is wrong."""
    body = publish(cache)

    clock.move(1)
    cache.expire(DASHBOARD.key(view="data"))
    answer = client.get(URL)

    assert (answer.status_code, answer.data) == (200, body)
    assert answer.headers["Cache-Control"] == "max-age=0, stale-if-error=20"


def test_a_dashboard_that_nobody_publishes_any_more_says_so(cache, client, clock):
    """The same numbers, every state stale with the reason, under a tag of its own."""
    rows = [row(), row("ETH/USDT:USDT", state="delayed", reason="price not confirmed since 23:59:40 UTC")]
    publish(cache, document(rows, state="delayed", reason="1 of 2 symbols are not live"))

    clock.move(20.5)
    answer = client.get(URL)

    told, since = json.loads(answer.data), "not published since 00:00:00 UTC"
    assert answer.status_code == 200
    assert (told["state"], told["reason"]) == ("stale", f"{since}; 1 of 2 symbols are not live")
    assert [one["state"] for one in told["symbols"]] == ["stale", "stale"]
    assert [one["reason"] for one in told["symbols"]] == [since, f"{since}; {rows[1]['reason']}"]
    assert [one["price"] for one in told["symbols"]] == [one["price"] for one in rows]
    assert told["generated_at"] == NOW
    assert answer.headers["ETag"].startswith('"abc123-stale-')
    assert answer.headers["Cache-Control"] == "max-age=0, stale-if-error=86420"
    assert answer.headers["Age"] == "20"


def test_the_degraded_document_is_made_once_and_has_its_304(cache, client, clock):
    """An old tag is no longer good, the new one is; bytes are shared between requests."""
    publish(cache)
    clock.move(21)

    first = client.get(URL, headers={"If-None-Match": '"abc123"'})
    clock.move(30)
    second = client.get(URL, headers={"If-None-Match": first.headers["ETag"]})
    third = client.get(URL)

    assert (first.status_code, second.status_code) == (200, 304)
    assert third.data == first.data


def test_a_dashboard_is_live_again_with_the_next_publication(cache, client, clock):
    """The mark belongs to one version only."""
    publish(cache)
    clock.move(21)
    client.get(URL)

    body = publish(cache, etag='"again"')

    assert client.get(URL).data == body


def test_nothing_yet_is_503_with_a_problem_document(client):
    """Come back in a moment: state empty, a number of seconds, no caching."""
    answer = client.get(URL)

    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json["state"] == "empty"
    assert answer.json["status"] == 503


def test_nothing_yet_names_what_is_known_of_each_exchange(cache, client):
    """The worst source with its reason, in the form that a dashboard has."""
    put_status(cache, "tickers")
    put_status(cache, "universe", state="unreachable", reason="connection refused", retry_at=NOW + 9)

    told = client.get(URL).json

    assert told["detail"] == "nothing has been published yet; simulated: universe: connection refused"
    assert told["exchanges"] == [
        {
            "id": "simulated", "state": "unreachable", "since": NOW - 60, "last_success_at": NOW - 60,
            "reason": "universe: connection refused", "retry_at": NOW + 9,
        }
    ]  # fmt: skip


def test_gone_after_its_usable_time(cache, client, clock):
    """A day-old market is not shown, not even marked."""
    publish(cache)

    clock.move(86_421)

    assert client.get(URL).status_code == 503


def test_without_a_publisher_no_beta_stays_live(cache, client, clock):
    """Windows with figures are stale, those without keep their reason."""
    empty = window({}, state="empty", reason="not measured yet")
    publish(cache, document(beta={"simulated": {"1h": window({"ETH/USDT": (1.3, 0.1)}), "5m": empty}}))

    clock.move(25)
    windows = client.get(URL).json["beta"]["simulated"]

    assert windows["1h"]["state"] == "stale"
    assert windows["1h"]["reason"] == "not published since 00:00:00 UTC"
    assert windows["5m"] == empty
