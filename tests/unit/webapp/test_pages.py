"""Claims about the pages as the server renders them; what the browser does with them is tested in one."""

from __future__ import annotations

import gzip
import re

import pytest

from tests.support.dashboards import document, exchange, publish, put_score, put_universe, row
from tests.support.rendered import banner, cells

DASH = "\N{EN DASH}"
SYMBOL_PAGE = "/symbols/simulated/BTC/USDT:USDT"


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
