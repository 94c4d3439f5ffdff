"""Claims about errors: a problem document under /api, a page elsewhere, and never a bare traceback."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from tests.support.dashboards import publish, put_score, put_universe

MEMBERS = {"type", "title", "status", "detail", "instance"}


@pytest.mark.parametrize("path", ["/api/nothing", "/api/", "/api/dashboard/other", "/api/symbols/simulated"])
def test_an_unknown_address_of_the_interface_is_a_problem_document(client, path):
    """All five members of RFC 9457, with the path as the instance."""
    answer = client.get(path)

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json.keys() >= MEMBERS
    assert (answer.json["status"], answer.json["instance"]) == (404, path)


def test_a_method_that_is_not_allowed_names_those_that_are(client):
    """405 with Allow."""
    answer = client.post("/api/dashboard/data")

    assert answer.status_code == 405
    assert answer.json["title"] == "Method Not Allowed"
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_an_error_of_ours_is_a_500_that_tells_nothing_and_logs_everything(cache, client, monkeypatch):
    """What broke is for the operator, not for the client."""

    def broken(_key):
        raise RuntimeError("the secret")

    monkeypatch.setattr(cache, "get", broken)

    with capture_logs() as logs:
        answer = client.get("/api/dashboard/data")

    assert (answer.status_code, answer.json["status"]) == (500, 500)
    assert b"secret" not in answer.data
    assert [(one["event"], one["path"]) for one in logs] == [("web_request_failed", "/api/dashboard/data")]


@pytest.mark.parametrize(("method", "status"), [("get", 404), ("post", 404)])
def test_elsewhere_an_error_is_a_page(client, method, status):
    """A person reads it."""
    answer = getattr(client, method)("/nothing")

    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert b"Not Found" in answer.data


def test_what_a_client_sent_is_escaped_in_the_page(cache, client):
    """No markup of a stranger's in ours."""
    put_universe(cache, "BTC/USDT:USDT")

    answer = client.get("/symbols/simulated/<script>alert(1)<%2Fscript>")

    assert answer.status_code == 404
    assert b"<script>alert" not in answer.data
    assert b"&lt;script&gt;" in answer.data


@pytest.mark.parametrize(
    "path", ["/", "/mobile", "/symbols/simulated/BTC/USDT:USDT", "/api/nothing", "/nothing", "/healthz"]
)
def test_every_answer_keeps_to_itself(cache, client, path):
    """Policy, no sniffing, no framing, no referrer to others; nothing inline is allowed."""
    publish(cache)
    publish(cache, view="mobile")
    put_universe(cache, "BTC/USDT:USDT")
    put_score(cache)

    headers = client.get(path).headers

    policy = headers["Content-Security-Policy"]
    assert policy.startswith(
        "default-src 'self'; connect-src 'self' ws://localhost:8001 wss://localhost:8001;"
    )
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("desk.example:8000", "ws://desk.example:8001 wss://desk.example:8001"),
        ("127.0.0.1", "ws://127.0.0.1:8001 wss://127.0.0.1:8001"),
        ("[::1]:8000", "ws://[::1]:8001 wss://[::1]:8001"),
    ],
)
def test_the_policy_lets_a_page_reach_the_stream_of_its_own_host(client, host, origin):
    """The stream has another port, which is another origin, and a proxy may put TLS before it."""
    policy = client.get("/healthz", headers={"Host": host}).headers["Content-Security-Policy"]

    assert f"connect-src 'self' {origin};" in policy


def test_a_host_that_is_no_host_does_not_get_into_the_policy(client):
    """A header is a string of the client's."""
    policy = client.get("/healthz", headers={"Host": "a; script-src *"}).headers["Content-Security-Policy"]

    assert "script-src" not in policy
