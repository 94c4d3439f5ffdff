"""Claims about a dashboard that nobody publishes any more: nothing in it goes on looking live."""

from __future__ import annotations

import json

import pytest

from tests.support.dashboards import NOW, alert, document, exchange, publish, put_status, row
from tests.support.rendered import exchanges, listed

URL = "/api/dashboard/data"
SINCE = "not published since 00:00:00 UTC"


@pytest.fixture
def served(cache, client, clock):
    """Publish a dashboard, let its publisher be frozen for half a minute, and ask for it."""

    def serving(whole=None, view="data"):
        publish(cache, whole, view=view)
        clock.move(32)
        return client.get(f"/api/dashboard/{view}").json

    return serving


@pytest.mark.parametrize("view", ["data", "mobile"])
def test_no_price_stays_live(served, view):
    """Not in its row and not among the movers; what was never there is still not there."""
    rows = [
        row(),
        row("ETH/USDT:USDT", price_state="stale"),
        row("NEW/USDT", price=None, price_state="empty"),
    ]
    told = served(document(rows), view)

    assert [one["price_state"] for one in told["symbols"]] == ["stale", "stale", "empty"]
    assert [one["price_state"] for one in told["movers"]["losers"]] == ["stale"]
    assert told["symbols"][0]["price"] == 103_251.4


def test_each_number_of_the_overview_says_why_it_is_late(served):
    """What is missing has its own reason, and what was late before keeps it."""
    whole = document()
    whole["overview"]["late"] = {"btc_price": "price not confirmed since 23:00:00 UTC"}

    overview = served(whole)["overview"]

    assert overview["late"] == {
        **dict.fromkeys(
            ("symbols", "up", "down", "flat", "turnover_24h", "btc_change_24h", "breadth", "regime"), SINCE
        ),
        "btc_price": f"{SINCE}; price not confirmed since 23:00:00 UTC",
    }
    assert (overview["volatility"], overview["btc_price"]) == (None, 103_251.4)


@pytest.mark.parametrize(
    ("fields", "late"),
    [
        ({"alerts": []}, {"alerts": SINCE}),
        (
            {"alerts": [alert()], "late": {"alerts": "nobody has looked since 23:00:00 UTC"}},
            {"alerts": f"{SINCE}; nobody has looked since 23:00:00 UTC"},
        ),
        ({"alerts": None}, {}),
    ],
)
def test_the_alerts_are_late(served, fields, late):
    """An empty list is no calm market any more; without one the reason is another."""
    assert served(document(**fields))["late"] == late


def test_an_exchange_of_which_nothing_is_known_is_unknown(served):
    """It was well then; what was wrong then stands behind."""
    trouble = exchange(id="okx", state="banned", reason="candles: 418", retry_at=NOW + 900)

    told = served(document(exchanges=[exchange(), trouble]))["exchanges"]

    assert told == [
        exchange(state="unknown", since=None, reason=SINCE),
        exchange(id="okx", state="unknown", since=None, reason=f"{SINCE}; candles: 418"),
    ]


def test_an_exchange_that_is_still_asked_is_told_as_it_is(cache, client, clock):
    """Its statuses come from whoever fetches: they are read anew, with a tag for each change."""
    publish(cache)
    clock.move(32)
    put_status(cache, "tickers", last_success_at=NOW + 30)
    well = client.get(URL)
    same = client.get(URL, headers={"If-None-Match": well.headers["ETag"]})
    put_status(cache, "tickers", state="banned", reason="418", retry_at=NOW + 900, since=NOW + 31)
    clock.move(1)
    banned = client.get(URL, headers={"If-None-Match": well.headers["ETag"]})

    assert (well.json["state"], same.status_code) == ("stale", 304)
    assert [(one["state"], one["last_success_at"]) for one in well.json["exchanges"]] == [("ok", NOW + 30)]
    assert banned.status_code == 200
    assert banned.json["exchanges"] == [
        exchange(state="banned", since=NOW + 31, last_success_at=NOW - 60, reason="tickers: 418",
                 retry_at=NOW + 900)
    ]  # fmt: skip


def test_a_fetcher_that_is_gone_as_well_shows(cache, client, clock):
    """Nobody publishes and nobody asks."""
    put_status(cache, "tickers", state="unreachable", reason="connection reset", retry_at=NOW + 13)
    publish(cache)

    clock.move(75)
    told = client.get(URL).json["exchanges"][0]

    assert (told["state"], told["retry_at"]) == ("unknown", None)
    assert told["reason"] == "nobody has asked since 00:00:00 UTC; last: tickers: connection reset"


@pytest.mark.parametrize("path", ["/", "/mobile"])
def test_the_page_marks_it_all(cache, client, clock, path):
    """Prices, movers, tiles, alerts and exchanges, as the JSON does."""
    publish(cache, document(alerts=[]), view="data" if path == "/" else "mobile")

    clock.move(32)
    page = client.get(path).text

    price = 'data-field="price" data-late="" title="price not confirmed since 23:59:58 UTC">103,251.40<'
    assert page.count(price) == 2
    assert listed(page, "losers")[0].startswith("BTC /USDT:USDT simulated late 103,251.40")
    assert f'data-overview="btc_price" data-format="price" data-late="" title="{SINCE}">' in page
    assert page.split('id="alerts-note"')[1].split("</p>")[0].endswith(f">{SINCE}")
    assert exchanges(page) == [f"simulated unknown last answer 33s {SINCE}"]


def test_the_published_bytes_are_not_changed(cache, client, clock):
    """With the next publication all is live again."""
    body = publish(cache)
    clock.move(32)
    stale = json.loads(client.get(URL).data)
    publish(cache)

    assert client.get(URL).data == body
    assert stale["generated_at"] == NOW
