"""Claims about what stands around the table: movers, alerts, betas, and the marks of what is late."""

from __future__ import annotations

import re

import pytest

from tests.support.dashboards import NOW, alert, document, publish, row, window
from tests.support.rendered import cells, listed, text

DASH = "\N{EN DASH}"


def test_movers_are_listed_with_price_and_change(cache, client):
    """Largest first, as published."""
    gainer = row("SOL/USDT:USDT", price=168.5, change_24h=9.87)
    publish(cache, document(movers={"gainers": [gainer], "losers": []}))

    gainers = client.get("/").text.split('id="gainers">')[1].split("</ol>")[0]

    assert re.sub(r"<[^>]+>|\s+", "", gainers) == "SOL/USDT:USDTsimulated168.500+9.87%"


def test_a_price_that_was_kept_is_marked_wherever_it_stands(cache, client):
    """In the table and among the movers: in words, since when, and for the style sheet."""
    late = row(price_state="stale", price_as_of=NOW - 90, state="delayed", reason="price not confirmed")
    publish(cache, document([late], movers={"gainers": [], "losers": [late]}))

    page = client.get("/").text

    assert listed(page, "losers") == ["BTC /USDT:USDT simulated late 103,251.40 \N{MINUS SIGN}3.41%"]
    marked = 'data-field="price" data-late="" title="price not confirmed since 23:58:30 UTC">103,251.40<'
    assert page.count(marked) == 2


def test_a_late_number_of_the_overview_is_marked(cache, client):
    """It is shown, with the reason."""
    whole = document()
    whole["overview"]["late"] = {"btc_price": "price not confirmed since 23:00:00 UTC"}
    publish(cache, whole)

    page = client.get("/").text

    assert 'data-format="price" data-late="" title="price not confirmed since 23:00:00 UTC">103,251' in page


@pytest.mark.parametrize("path", ["/", "/mobile"])
def test_the_newest_alerts_are_listed_with_a_button_for_those_nobody_has_seen(cache, client, path):
    """Severity, age, symbol as a link, text; one that was seen says since when."""
    alerts = [
        alert(1, severity="warning"),
        alert(2, symbol=None, text="okx is unreachable", severity="critical", acknowledged_at=NOW - 30),
    ]
    publish(cache, document(alerts=alerts), view="data" if path == "/" else "mobile")

    page = client.get(path).text

    lines = page.split('id="alerts"')[1].split("</ul>")[0].partition(">")[2]
    first, second = lines.split("</li>")[:-1]
    assert (
        text(first) == "warning 1m 00s ago \N{CHECK MARK} BTC /USDT:USDT simulated score 71.2, up through 70"
    )
    assert 'href="/symbols/simulated/BTC/USDT%3AUSDT"' in first
    assert 'aria-label="Acknowledge: score 71.2, up through 70">' in first
    assert text(second).endswith("okx is unreachable acknowledged 23:59:30 UTC")
    assert 'aria-label="Acknowledge: okx is unreachable" hidden>' in second
    assert 'data-field="about" hidden' in second
    assert 'data-tone="bad">critical<' in second


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({}, "not looked for"),
        ({"alerts": []}, "no alerts"),
        (
            {"alerts": [alert()], "late": {"alerts": "nobody has looked since 23:00:00 UTC"}},
            "nobody has looked",
        ),
    ],
)
def test_no_alerts_is_not_the_same_as_nobody_looking(cache, client, fields, note):
    """The panel says which it is, and when the looking stopped."""
    publish(cache, document(**fields))

    panel = client.get("/").text.split('id="alerts-note"')[1].split("</p>")[0]

    assert "hidden" not in panel.partition(">")[0]
    assert panel.partition(">")[2].startswith(note)


def test_betas_stand_in_the_table_and_the_farthest_beside_it(cache, client):
    """The table has the hours; the list the five minutes, by the size of z, whatever its sign."""
    beta = {
        "simulated": {
            "1h": window({"BTC/USDT:USDT": (1.0, None), "ETH/USDT:USDT": (None, None)}),
            "5m": window({"BTC/USDT:USDT": (1.0, None), "ETH/USDT:USDT": (1.3, -3.1), "X/USDT": (0.5, 2.6)}),
        }
    }
    publish(cache, document([row(), row("ETH/USDT:USDT"), row("NEW/USDT")], beta=beta))

    page = client.get("/").text

    assert [line[8] for line in cells(page)] == ["1.00", DASH, DASH]
    assert 'data-field="beta" title="needs 30 bars in common with BTC, has 3"' in page
    assert listed(page, "divergences") == [
        "ETH /USDT:USDT simulated 1.30 \N{MINUS SIGN}3.10", "X /USDT simulated 0.50 +2.60",
    ]  # fmt: skip
    assert 'data-far="low"' in page


def test_a_divergence_that_nobody_renews_is_marked(cache, client):
    """With the reason of its window."""
    old = window({"ETH/USDT:USDT": (1.3, -3.1)}, state="stale", reason="not measured since 22:00:00 UTC")
    publish(cache, document(beta={"simulated": {"5m": old, "1h": old}}))

    assert 'data-far="low" data-late="" title="not measured since 22:00:00 UTC"' in client.get("/").text
