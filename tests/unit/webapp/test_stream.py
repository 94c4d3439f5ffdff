"""Claims about what the stream says and whom it lets in."""

from __future__ import annotations

import json
from http import HTTPStatus

import pytest

from cache.catalogue import DASHBOARD
from tests.support.dashboards import NOW, publish
from webapp.published import Shelf
from webapp.stream.admission import Refusal, stranger, view_of
from webapp.stream.notices import notice


def test_a_notice_says_that_there_is_something_new_and_not_what(cache, clock):
    """Small enough to be sent to thousands; the body is fetched by its tag."""
    publish(cache)
    shelf = Shelf(cache=cache, clock=clock, ttl_s=cache.ttl(DASHBOARD))

    frame = notice("data", shelf.find("data"))

    assert json.loads(frame) == {
        "type": "dashboard", "view": "data", "etag": '"abc123"', "generated_at": NOW, "state": "live",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("target", "view"),
    [("/ws", "data"), ("/ws?", "data"), ("/ws?view=mobile", "mobile"), ("/ws?view=data&x=1", "data")],
)
def test_a_client_names_the_view_that_it_wants(target, view):
    """The whole one when it names none."""
    assert view_of(target) == view


@pytest.mark.parametrize(
    ("target", "status"),
    [("/", HTTPStatus.NOT_FOUND), ("/ws/", HTTPStatus.NOT_FOUND), ("/ws?view=all", HTTPStatus.BAD_REQUEST)],
)
def test_another_address_is_refused(target, status):
    """With the status that fits."""
    refusal = view_of(target)

    assert isinstance(refusal, Refusal)
    assert refusal.status == status


@pytest.mark.parametrize(
    ("origin", "host", "strange"),
    [
        (None, "desk:8001", False),
        ("http://desk:8000", "desk:8001", False),
        ("https://DESK", "desk:8001", False),
        ("http://[::1]:8000", "[::1]:8001", False),
        ("http://evil.example", "desk:8001", True),
        ("http://desk.evil.example:8000", "desk:8001", True),
        ("null", "desk:8001", True),
        ("http://[::1", "[::1]:8001", True),
        ("http://desk", None, True),
    ],
)
def test_only_pages_of_our_own_host_may_listen(origin, host, strange):
    """Ports may differ, hosts may not; a program that is no browser sends no origin."""
    assert stranger(origin, host) is strange
