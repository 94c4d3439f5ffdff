"""Claims about the pages as the server renders them; what the browser does with them is tested in one."""

from __future__ import annotations

import gzip
import re

import pytest

from tests.support.dashboards import (
    NOW,
    document,
    exchange,
    publish,
    put_score,
    put_status,
    put_universe,
    row,
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
        "61", DASH, DASH, "39", "73", DASH, "2s", "live",
    ]  # fmt: skip
    assert [line[0] for line in table] == ["BTC/USDT:USDTsimulated", "ETH/USDT:USDTsimulated"]


def test_what_is_null_is_a_dash_with_the_reason(cache, client):
    """Never zero."""
    gone = row(price=None, change_24h=None, score=None, signal=None, confidence=None, as_of=None,
               state="empty", reason="no price from the exchange")  # fmt: skip
    publish(cache, document([gone]))

    page = client.get("/").text

    assert [cells(page)[0][at] for at in (1, 2, 5, 6, 7, 14)] == [DASH] * 6
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
    why = "universe: connection refused, since 23:59:00 UTC; next try at 00:00:09 UTC"
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
    assert "candles: 429, since 00:01:00 UTC; next try at 00:02:00 UTC" in page


def test_movers_are_listed_with_price_and_change(cache, client):
    """Largest first, as published."""
    gainer = row("SOL/USDT:USDT", price=168.5, change_24h=9.87)
    publish(cache, document(movers={"gainers": [gainer], "losers": []}))

    gainers = client.get("/").text.split('id="gainers">')[1].split("</ol>")[0]

    assert re.sub(r"<[^>]+>|\s+", "", gainers) == "SOL/USDT:USDT168.500+9.87%"


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
