"""Claims about the betas over HTTP: the cached window with its state, and the page with both."""

from __future__ import annotations

import re

import pytest

from market.beta import WINDOWS
from tests.support.dashboards import NOW, put_beta, put_status
from webapp.words import BETA_WINDOWS

URL = "/api/bitcoin-beta"
DASH = "\N{EN DASH}"
FIGURES = {"BTC/USDT:USDT": (1.0, 0.1), "ETH/USDT:USDT": (1.3, -3.1), "XMR/USDT:USDT": (0.5, 1.2)}


def symbols(page):
    """The bases of the table's lines, in their order."""
    body = page.split("<tbody>")[1].split("</tbody>")[0]
    return re.findall(r'data-field="base">(\w+)<', body)


def test_a_window_is_served_with_its_state_and_age(cache, client, clock):
    """All that was cached but what the task knows its inputs by; unnamed, the hours of the first exchange."""
    put_beta(cache, "1h", {**FIGURES, "NEW/USDT:USDT": "no candles yet"})

    clock.move(7)
    answer = client.get(URL)

    told = answer.json
    assert (answer.status_code, told["exchange"], told["timeframe"]) == (200, "simulated", "1h")
    assert (told["bars"], told["leader"], told["as_of"], told["age_s"]) == (168, "BTC/USDT:USDT", NOW, 7.0)
    assert (told["state"], told["reason"], told["simulated"]) == ("live", None, True)
    assert told["symbols"]["ETH/USDT:USDT"]["ols"] == {"beta": 1.3, "correlation": 0.8, "r2": 0.64, "n": 168}
    assert told["symbols"]["NEW/USDT:USDT"]["reason"] == "no candles yet"
    assert "made_of" not in told
    assert answer.headers["Age"] == "7"
    assert answer.headers["Cache-Control"] == "max-age=45, stale-if-error=0"


def test_both_windows_can_be_asked_for(cache, client):
    """By their names, which are those that the market measures."""
    put_beta(cache, "5m", FIGURES)

    assert client.get(f"{URL}?exchange=simulated&timeframe=5m").json["bars"] == 288
    assert set(BETA_WINDOWS) == set(WINDOWS)


def test_who_has_it_gets_304_until_it_changes(cache, client, clock):
    """The tag follows the version and the state, not the age."""
    put_beta(cache, "5m", FIGURES)
    url = f"{URL}?timeframe=5m"
    tag = client.get(url).headers["ETag"]

    clock.move(5)
    same = client.get(url, headers={"If-None-Match": tag})
    clock.move(7200)
    turned = client.get(url, headers={"If-None-Match": tag})

    assert (same.status_code, same.data) == (304, b"")
    assert (turned.json["state"], turned.json["reason"]) == ("stale", "not measured since 00:00:00 UTC")
    assert turned.headers["Cache-Control"].startswith("max-age=0,")


def test_a_window_without_figures_is_empty_with_the_reason(cache, client):
    """Such as an exchange without Bitcoin."""
    put_beta(cache, "1h", {}, leader=None, as_of=None, reason="BTC is not among the symbols")

    told = client.get(URL).json

    assert (told["state"], told["reason"], told["age_s"]) == ("empty", "BTC is not among the symbols", None)


@pytest.mark.parametrize(
    ("query", "status", "kind", "field"),
    [
        ("timeframe=4h", 400, "bad-input", "timeframe"),
        ("timeframe=", 400, "bad-input", "timeframe"),
        ("timeframe=1h&timeframe=5m", 400, "bad-input", "timeframe"),
        ("exchange=x%00", 400, "bad-input", "exchange"),
        (f"exchange={'x' * 41}", 400, "bad-input", "exchange"),
        ("symbol=BTC", 400, "bad-input", "symbol"),
        ("exchange=okx", 404, "exchange-unknown", None),
        ("exchange=", 404, "exchange-unknown", None),
    ],
)
def test_what_cannot_be_asked_for_is_a_problem(client, query, status, kind, field):
    """The parameter that is wrong is named."""
    answer = client.get(f"{URL}?{query}")

    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert answer.json["type"] == f"urn:tidemark:problem:{kind}"
    assert answer.json.get("field") == field


def test_before_it_is_measured_the_answer_says_so(cache, client):
    """Come back in a moment; and what the exchange is in trouble with."""
    put_status(cache, "candles", state="banned", reason="418")

    answer = client.get(URL)

    assert (answer.status_code, answer.json["state"]) == (503, "empty")
    assert answer.json["detail"] == (
        "the betas of simulated over 1h are not measured yet; simulated: candles: 418"
    )
    assert [row["id"] for row in answer.json["exchanges"]] == ["simulated"]
    assert answer.headers["Retry-After"]


def test_the_page_has_both_windows_side_by_side(cache, client):
    """Every figure, written for people; what is missing has its reason."""
    put_beta(cache, "1h", FIGURES)
    put_beta(cache, "5m", {**FIGURES, "ETH/USDT:USDT": "no candles yet"})

    page = client.get("/beta").text

    body = page.split("<tbody>")[1].split("</tbody>")[0]
    lines = [re.sub(r"(?:<[^>]+>|\s)+", " ", line).strip() for line in body.split("</tr>")[:-1]]
    hours = "1.30 1.55 0.80 0.64 168 \N{MINUS SIGN}3.10"
    assert lines[1] == f"ETH /USDT:USDT {hours} {' '.join([DASH] * 6)}"
    assert 'title="no candles yet"' in page
    assert 'data-far="low"' in page
    assert 'data-tone="good">live<' in page


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("", ["BTC", "ETH", "XMR", "NEW"]),
        ("1h.beta", ["ETH", "BTC", "XMR", "NEW"]),
        ("1h.divergence", ["ETH", "XMR", "BTC", "NEW"]),
    ],
)
def test_the_page_is_sorted_by_any_figure(cache, client, order, expected):
    """From the largest, a divergence by its size; what has none comes last. Without JavaScript."""
    put_beta(cache, "1h", {**FIGURES, "NEW/USDT:USDT": "no candles yet"})

    page = client.get(f"/beta?order={order}").text

    assert symbols(page) == expected
    assert page.count('aria-sort="descending"') == (1 if order else 0)


@pytest.mark.parametrize("query", ["order=1h.alpha", "order=beta", "page=2"])
def test_a_page_that_there_is_not_is_an_error_page(client, query):
    """No order is guessed."""
    answer = client.get(f"/beta?{query}")

    assert answer.status_code == 400
    assert "Bad input" in answer.text


def test_the_page_stands_before_anything_is_measured(client):
    """Empty, with the reason of each window."""
    page = client.get("/beta").text

    assert "1h: not measured yet; 5m: not measured yet" in page
    assert re.search(r'data-field="state" data-tone="none"[^>]*>empty<', page)


def test_the_page_has_the_state_of_the_worse_window(cache, client, clock):
    """One that nobody renews."""
    put_beta(cache, "5m", FIGURES)
    clock.move(3000)
    put_beta(cache, "1h", FIGURES)

    page = client.get("/beta").text

    assert 'data-tone="bad"' in page
    assert "5m: not measured since 00:00:00 UTC" in page


def test_the_page_is_polled_and_stays_the_same_until_a_window_changes(cache, client, clock):
    """304 while nothing is measured anew and nothing turns stale."""
    put_beta(cache, "1h", FIGURES)
    tags = [client.get("/beta").headers["ETag"]]
    clock.move(5)
    same = client.get("/beta", headers={"If-None-Match": tags[0]})

    put_beta(cache, "5m", FIGURES)
    tags.append(client.get("/beta").headers["ETag"])
    clock.move(7200)
    tags.append(client.get("/beta").headers["ETag"])

    assert (same.status_code, same.data) == (304, b"")
    assert len(set(tags)) == 3
