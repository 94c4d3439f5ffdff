"""Claims about how a page says that it, or an exchange, is not live, and since when."""

from __future__ import annotations

import pytest

from tests.support.dashboards import NOW, document, exchange, publish, put_status
from tests.support.rendered import banner, cells, exchanges

DASH = "\N{EN DASH}"


@pytest.mark.parametrize(("state", "tone"), [("delayed", "late"), ("stale", "bad"), ("empty", "none")])
def test_whatever_is_not_live_has_a_banner_with_its_reason(cache, client, state, tone):
    """The word, its colour, and why."""
    publish(cache, document(state=state, reason="okx: tickers: 418 <ban>"))

    attributes, text = banner(client.get("/").text, "trouble")

    assert f'data-tone="{tone}"' in attributes
    assert "hidden" not in attributes
    assert text == f"{state} okx: tickers: 418 &lt;ban&gt;"


def test_a_live_page_has_no_trouble(cache, client):
    """The banner is there for the script, unseen."""
    publish(cache)

    attributes, text = banner(client.get("/").text, "trouble")

    assert "hidden" in attributes
    assert text == "live"


def test_a_page_without_a_publisher_is_stale_throughout(cache, client, clock):
    """The page tells what the JSON tells."""
    publish(cache)

    clock.move(25)
    page = client.get("/").text

    assert banner(page, "trouble")[1] == "stale not published since 00:00:00 UTC"
    assert cells(page)[0][-2:] == ["27s", "stale"]


def test_before_the_first_dashboard_the_page_stands_empty(client):
    """503 for machines, for people a page that fills itself."""
    answer = client.get("/")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert cells(answer.text) == []
    assert (
        banner(answer.text, "trouble")[1] == "empty nothing has been published yet; simulated: no answer yet"
    )
    assert (
        'data-overview="symbols" data-format="whole" title="nothing has been published yet">' in answer.text
    )


@pytest.mark.parametrize("path", ["/", "/mobile"])
def test_before_the_first_dashboard_the_page_names_the_exchange_in_trouble(cache, client, path):
    """Who opens the page of a system that cannot start reads why."""
    put_status(cache, "universe", state="unreachable", reason="connection refused", retry_at=NOW + 9)

    page = client.get(path).text

    assert banner(page, "trouble")[1].endswith("; simulated: universe: connection refused")
    why = "universe: connection refused, since 23:59:00 UTC; retrying at 00:00:09 UTC"
    assert exchanges(page) == [f"simulated unreachable last answer 1m 00s {why}"]


@pytest.mark.parametrize(("heard", "shown"), [(None, DASH), (NOW - 90, "1m 30s")])
def test_an_exchange_that_nobody_asks_is_shown_without_a_made_up_time(cache, client, heard, shown):
    """Its reason holds the only time that is known, once."""
    reason = "nothing heard since 23:58:30 UTC"
    silent = exchange(state="unknown", reason=reason, since=NOW - 90, last_success_at=heard)
    publish(cache, document(exchanges=[silent]))

    page = client.get("/").text

    assert exchanges(page) == [f"simulated unknown last answer {shown} {reason}"]
    assert 'data-field="state" data-tone="late">unknown<' in page


def test_an_exchange_in_trouble_is_shown_with_reason_and_retry(cache, client):
    """What is wrong, since when, and when it is asked again."""
    trouble = exchange(
        id="okx",
        state="rate_limited",
        reason="candles: 429",
        since=60.0,
        retry_at=120.0,
        last_success_at=None,
    )
    publish(cache, document(exchanges=[exchange(), trouble]))

    page = client.get("/").text

    assert "rate limited" in page
    assert "candles: 429, since 00:01:00 UTC; retrying at 00:02:00 UTC" in page
