"""Claims about the pages as the server renders them; what the browser does with them is tested in one."""

from __future__ import annotations

import gzip
import re

import pytest

from tests.support.dashboards import (
    NOW,
    alert,
    document,
    exchange,
    publish,
    put_score,
    put_status,
    put_universe,
    row,
    window,
)

DASH = "\N{EN DASH}"
SYMBOL_PAGE = "/symbols/simulated/BTC/USDT:USDT"


def banner(page, name):
    """The attributes and the text of one banner."""
    found = re.search(rf'<div id="{name}" ([^>]*)>(.*?)</div>', page, re.DOTALL)
    return found[1], re.sub(r"(?:<[^>]+>|\s)+", " ", found[2]).strip()


def exchanges(page):
    """The texts of the exchanges' panel."""
    listed = page.split('id="exchanges">')[1].split("</ul>")[0]
    return [re.sub(r"(?:<[^>]+>|\s)+", " ", line).strip() for line in listed.split("</li>")[:-1]]


def cells(page):
    """The texts of the table's rows."""
    body = page.split('<tbody id="rows">')[1].split("</tbody>")[0]
    return [
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.split(r"</t[dh]>", line)[:-1]]
        for line in body.split("</tr>")[:-1]
    ]


def test_the_table_shows_the_published_numbers(cache, client):
    """One row per symbol, in the published order, written for people."""
    publish(cache, document([row(), row("ETH/USDT:USDT", price=2534.61, change_24h=1.5)]))

    table = cells(client.get("/").text)

    assert table[0] == [
        "BTC/USDT:USDTsimulated", "103,251.40", "\N{MINUS SIGN}3.41%", "6.20B", "", "71.3", "long", "34%",
        DASH, "61", DASH, DASH, "39", "73", DASH, "2s", "live",
    ]  # fmt: skip
    assert [line[0] for line in table] == ["BTC/USDT:USDTsimulated", "ETH/USDT:USDTsimulated"]


def test_what_is_null_is_a_dash_with_the_reason(cache, client):
    """Never zero."""
    gone = row(price=None, change_24h=None, score=None, signal=None, confidence=None, as_of=None,
               state="empty", reason="no price from the exchange")  # fmt: skip
    publish(cache, document([gone]))

    page = client.get("/").text

    assert [cells(page)[0][at] for at in (1, 2, 5, 6, 7, 8, 15)] == [DASH] * 7
    assert f'data-field="price" title="no price from the exchange">{DASH}<' in page
    assert (
        f'data-overview="volatility" data-format="percent" title="no hourly candles of BTC yet">{DASH}<'
        in page
    )


@pytest.mark.parametrize("path", ["/", "/mobile"])
def test_a_simulated_market_says_so_and_a_real_one_does_not(cache, client, path):
    """A banner on every page of numbers."""
    view = "data" if path == "/" else "mobile"
    publish(cache, view=view)
    marked = banner(client.get(path).text, "simulated")
    publish(cache, document(simulated=False), view=view, etag='"real"')

    plain = banner(client.get(path).text, "simulated")

    assert "hidden" not in marked[0]
    assert "Simulated market" in marked[1]
    assert "hidden" in plain[0]


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


def test_movers_are_listed_with_price_and_change(cache, client):
    """Largest first, as published."""
    gainer = row("SOL/USDT:USDT", price=168.5, change_24h=9.87)
    publish(cache, document(movers={"gainers": [gainer], "losers": []}))

    gainers = client.get("/").text.split('id="gainers">')[1].split("</ol>")[0]

    assert re.sub(r"<[^>]+>|\s+", "", gainers) == "SOL/USDT:USDTsimulated168.500+9.87%"


def text(markup):
    """What a reader sees of it, in one line."""
    return re.sub(r"(?:<[^>]+>|\s)+", " ", markup).strip()


def listed(page, name):
    """The texts of one list's lines."""
    body = re.split(r"</[ou]l>", page.split(f'id="{name}"')[1].partition(">")[2])[0]
    return [text(line) for line in body.split("</li>")[:-1]]


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


def test_the_exchange_is_named_where_there_are_several(cache, client):
    """The style sheet shows it then."""
    publish(cache)
    alone = client.get("/").text
    publish(cache, document(exchanges=[exchange(id="okx"), exchange(id="bybit")]), etag='"two"')

    assert "data-several" not in alone
    assert "data-several" in client.get("/").text


def test_the_small_page_has_cards_and_no_table(cache, client):
    """A reason that the whole page has is not said on each card."""
    rows = [row(reason="all late", state="stale"), row("ETH/USDT:USDT", reason="its own", state="stale")]
    publish(cache, document(rows, state="stale", reason="all late"), view="mobile")

    page = client.get("/mobile").text

    assert "<table" not in page
    assert page.count('<li class="card" data-key="simulated|') == 2
    assert '<p class="why" data-field="why" hidden>all late</p>' in page
    assert '<p class="why" data-field="why">its own</p>' in page


def test_a_page_has_no_inline_script_or_style(cache, client):
    """The policy would refuse them."""
    publish(cache)
    put_universe(cache, "BTC/USDT:USDT")
    put_score(cache)

    for path in ("/", SYMBOL_PAGE, "/nothing"):
        page = client.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|<style|\son\w+=", page), path


def test_a_page_is_compressed_for_who_takes_it(cache, client):
    """The same page, and a proxy is told that there are two."""
    publish(cache)

    plain = client.get("/")
    packed = client.get("/", headers={"Accept-Encoding": "gzip"})

    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert packed.headers["Content-Length"] == str(len(packed.data))
