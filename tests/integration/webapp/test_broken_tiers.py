"""Claims about the dashboard while the servers behind the cache die, freeze and come back."""

from __future__ import annotations

import time

import pytest

from tests.support.dashboards import document, publish, row
from tests.support.waiting import eventually
from tests.support.web import tiered_cache
from webapp import create_app

pytestmark = pytest.mark.integration

URL = "/api/dashboard/data"


@pytest.fixture
def client(cache):
    """A client of an app over the web's own cache."""
    return create_app(cache=cache, exchanges=("simulated",)).test_client()


def test_what_another_process_publishes_is_served(publisher, client):
    """The same bytes, and each change as soon as it is told."""
    body = publish(publisher)
    first = client.get(URL)

    changed = publish(publisher, document([row(price=5.0)]), etag='"next"')
    eventually(lambda: client.get(URL).headers["ETag"] == '"next"', within_s=20)

    assert (first.status_code, first.data) == (200, body)
    assert client.get(URL).data == changed


@pytest.mark.parametrize("harm", ["kill", "freeze"])
@pytest.mark.parametrize("victims", [("redis",), ("memcached",), ("redis", "memcached")])
def test_a_lost_server_costs_no_answer(publisher, client, redis_server, memcached_server, victims, harm):
    """Every request is a 200 with the last good bytes, and none of them is slow."""
    servers = {"redis": redis_server, "memcached": memcached_server}
    body = publish(publisher)
    assert client.get(URL).status_code == 200

    for victim in victims:
        getattr(servers[victim], harm)()
    answers, slowest = [], 0.0
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        began = time.monotonic()
        answers.append(client.get(URL))
        slowest = max(slowest, time.monotonic() - began)

    assert {(answer.status_code, answer.data) for answer in answers} == {(200, body)}
    assert slowest < 0.5
    ready = client.get("/readyz")
    assert ready.status_code == 200
    told = {name: ready.json["tiers"][name] for name in ("l2", "l3")}
    assert told == {"l2": word("memcached", victims), "l3": word("redis", victims)}


def word(server, victims):
    """How a tier is named whose server is lost or not."""
    return "down" if server in victims else "up"


def test_a_web_process_that_starts_without_redis_answers_at_once(publisher, redis_server, memcached_server):
    """What Memcached holds cannot be believed before Redis was heard once: an honest 503, or the body."""
    body = publish(publisher)
    redis_server.kill()

    with tiered_cache(redis=redis_server, memcached=memcached_server) as cache:
        began = time.monotonic()
        answer = create_app(cache=cache).test_client().get(URL)
        took = time.monotonic() - began

    assert took < 0.5
    assert answer.data == body if answer.status_code == 200 else answer.json["state"] == "empty"


def test_after_the_outage_the_next_publication_is_served(publisher, client, redis_server):
    """Nothing has to be restarted."""
    publish(publisher)
    client.get(URL)
    redis_server.kill()
    client.get(URL)

    redis_server.restart()
    eventually(lambda: publisher.health()["l3"] == "up", within_s=20)
    body = publish(publisher, document([row(price=7.0)]), etag='"after"')

    eventually(lambda: client.get(URL).data == body, within_s=20)
