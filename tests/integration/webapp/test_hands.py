"""Claims about a page that is being used: sorted, filtered, watched, and told of changes at once."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from werkzeug.wrappers import Response

from cache.catalogue import DASHBOARD
from tests.support.dashboards import (
    alert,
    document,
    memory_cache,
    publish,
    put_beta,
    put_score,
    put_universe,
    row,
    window,
)
from tests.support.tab import open_tab
from tests.support.waiting import eventually
from tests.support.web import served
from webapp import create_app
from webapp.published import Shelf
from webapp.stream.server import Stream

pytestmark = pytest.mark.integration

# After the first: see static/poll.js. Whoever is told asks again after a second at most.
NEXT_POLL_S = 4.0
SHOWN = "[...document.querySelectorAll('#rows tr')].map((row) => row.dataset.key.split('|')[1].split('/')[0])"
ROWS = [
    row("BTC/USDT:USDT", score=54.8, signal="neutral"),
    row("ETH/USDT:USDT", score=None, signal=None, state="empty", reason="not scored yet"),
    row("XRP/USDT:USDT", score=27.0, signal="short"),
    row("SOL/USDT:USDT", score=72.5, signal="long"),
]


@pytest.fixture(scope="module")
def tab():
    """One browser for all claims here."""
    with open_tab() as opened:
        yield opened


@pytest.fixture
def cache():
    """A cache with four symbols, published now."""
    made = memory_cache(time.time)
    publish(made, now(ROWS))
    publish(made, now(ROWS), view="mobile")
    yield made
    made.close()


def now(rows, **fields: object):
    """A dashboard of this moment."""
    at = time.time()
    return document([{**one, "as_of": at - 1} for one in rows], generated_at=at, as_of=at - 1, **fields)


@pytest.fixture
def page(tab, cache):
    """The dashboard, open and filled once by its script."""
    with served(create_app(cache=cache)) as url:
        tab.complaints.clear()
        tab.open(url)
        tab.js("sessionStorage.clear(); localStorage.clear()")
        eventually(lambda: tab.js("document.querySelector('[data-value]') !== null"), within_s=20)
        yield tab
        tab.open("about:blank#left")


def test_a_heading_sorts_and_what_is_missing_comes_last(page):
    """Largest first, then smallest first; no score is no zero; and back again."""
    page.js("document.querySelector('[data-sort=score]').click()")
    falling = page.js(SHOWN), page.js("document.querySelector('th[aria-sort]').ariaSort")
    page.js("document.querySelector('[data-sort=score]').click()")
    rising = page.js(SHOWN), page.js("document.querySelector('th[aria-sort]').ariaSort")
    page.js("document.getElementById('unsort').click()")

    assert falling == (["SOL", "BTC", "XRP", "ETH"], "descending")
    assert rising == (["XRP", "BTC", "SOL", "ETH"], "ascending")
    assert page.js(SHOWN) == ["BTC", "ETH", "XRP", "SOL"]


def test_words_filter_the_rows(page):
    """By symbol, signal or state; how many are shown is said."""
    page.js("filter = document.getElementById('filter'); filter.value = 'usdt short'")
    page.js("filter.dispatchEvent(new Event('input'))")

    assert page.js(SHOWN) == ["XRP"]
    assert page.js("document.getElementById('shown').textContent") == "1 of 4 symbols"


def test_an_update_keeps_order_filter_and_focus(page, cache):
    """The row that is being read stays under the eyes, in its new place."""
    page.js("document.querySelector('[data-sort=score]').click()")
    page.js("held = document.querySelector('[data-key*=XRP] a'); held.focus()")
    moved = [{**one, "score": 99.0} if one["symbol"].startswith("XRP") else one for one in ROWS]
    publish(cache, now(moved), etag='"next"')

    page.js("document.dispatchEvent(new Event('visibilitychange'))")
    eventually(lambda: page.js(SHOWN) == ["XRP", "SOL", "BTC", "ETH"], within_s=20)

    assert page.js("document.activeElement === held")


def test_ages_grow_between_updates(page):
    """By themselves, from the time at which the exchange said it."""
    first = page.js("document.querySelector('[data-field=age]').textContent")

    eventually(
        lambda: page.js("document.querySelector('[data-field=age]').textContent") != first, within_s=20
    )


def test_dark_is_the_default_and_the_choice_of_light_is_kept(page):
    """A reload shows what was chosen."""
    ground = "document.readyState === 'complete' && getComputedStyle(document.body).backgroundColor"
    dark = page.js(ground)

    page.js("document.getElementById('theme').click()")
    page.js("location.reload()")
    eventually(lambda: page.js(ground) not in {dark, False}, within_s=20)

    assert dark == "rgb(10, 14, 19)"
    page.js("localStorage.clear()")


@pytest.mark.parametrize("path", ["/", "/mobile", "/beta", "/symbols/simulated/BTC/USDT:USDT", "/nothing"])
def test_no_page_is_wider_than_a_small_telephone(tab, cache, path):
    """At 360 pixels nothing but a table scrolls sideways."""
    put_universe(cache, "BTC/USDT:USDT")
    put_score(cache)
    put_beta(cache, "1h", {"BTC/USDT:USDT": (1.0, 0.1)})

    with served(create_app(cache=cache, exchanges=("simulated",))) as url:
        tab.open(url + path, width=360, height=740)

        assert tab.js("document.documentElement.scrollWidth <= window.innerWidth")


class Acknowledging:
    """The app with a stand-in for the journal of alerts: it keeps what it was asked, and may refuse."""

    def __init__(self, app) -> None:
        self.app = app
        self.asked: list[tuple[str, str, bytes]] = []
        self.refuse = False

    def __call__(self, environ, start_response) -> object:
        """Answer an acknowledgement here, anything else as the app does."""
        if environ["REQUEST_METHOD"] != "POST":
            return self.app(environ, start_response)
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        self.asked.append((environ["PATH_INFO"], environ["CONTENT_TYPE"], body))
        if self.refuse:
            said = Response('{"detail": "Redis does not answer"}', 503, content_type="application/json")
        else:
            said = Response('{"id": "1", "acknowledged_at": 1747699200.0}', content_type="application/json")
        return said(environ, start_response)


LINES = """[...document.querySelectorAll('#alerts li')].map((line) =>
    [...line.querySelectorAll('[data-field]')].filter((part) => !part.closest('[hidden]'))
    .map((part) => part.dataset.field + '=' + part.textContent))"""


def test_alerts_are_acknowledged_by_hand_and_betas_follow_what_is_published(tab, cache):
    """From the keyboard the next button follows; a refusal is told, and the button stays."""
    alerts = [alert(1, severity="critical"), alert(2, symbol=None, text="okx is unreachable")]
    beta = {
        "simulated": {"1h": window({"BTC/USDT:USDT": (1.0, None)}), "5m": window({"X/USDT": (0.5, -2.6)})}
    }
    publish(cache, now(ROWS), etag='"before"')
    app = Acknowledging(create_app(cache=cache, exchanges=("simulated",)))
    with served(app) as url:
        tab.complaints.clear()
        tab.open(url)
        publish(cache, now(ROWS, alerts=alerts, beta=beta, missing={}), etag='"after"')
        tab.js("document.dispatchEvent(new Event('visibilitychange'))")
        eventually(lambda: len(tab.js(LINES)) == 2, within_s=20)

        assert "severity=critical" in tab.js(LINES)[0]
        assert "text=score 71.2, up through 70" in tab.js(LINES)[0]
        assert tab.js("document.querySelector('#alerts a').getAttribute('href')").startswith(
            "/symbols/simulated/"
        )
        assert tab.js("document.querySelector('#rows [data-field=beta]').textContent") == "1.00"
        assert tab.js(
            "document.querySelector('#divergences li').textContent.replace(/\\s+/g, ' ').trim()"
        ) == ("X/USDTsimulated 0.50 \N{MINUS SIGN}2.60")

        tab.js("first = document.querySelector('#alerts button'); first.focus(); first.click()")
        eventually(lambda: "seen=acknowledged 00:00:00 UTC" in tab.js(LINES)[0], within_s=20)
        assert not [part for part in tab.js(LINES)[0] if part.startswith("acknowledge=")]
        assert tab.js("document.activeElement.ariaLabel") == "Acknowledge: okx is unreachable"

        app.refuse = True
        tab.js("document.activeElement.click()")
        note = "document.getElementById('alerts-note').textContent"
        eventually(lambda: tab.js(note) == "not acknowledged: Redis does not answer", within_s=20)
        assert [part for part in tab.js(LINES)[1] if part.startswith("acknowledge=")]
        assert app.asked[0] == ("/api/alerts/1/acknowledge", "application/json", b"{}")
        tab.open("about:blank#left")
    assert not [said for said in tab.complaints if "503" not in said]


def test_no_page_complains(page):
    """No error, no refused script or style, no missing file."""
    eventually(lambda: page.js("performance.now() > 1500"), within_s=20)

    assert page.complaints == []


def test_a_notice_of_the_stream_refreshes_the_page_at_once(tab, cache, unused_port):
    """Faster than the next poll, across the ports that the policy allows."""
    stop = threading.Event()
    streaming = threading.Thread(target=lambda: asyncio.run(_stream(cache, unused_port, stop)))
    streaming.start()
    try:
        with served(create_app(cache=cache, stream_port=unused_port)) as url:
            tab.open(url)
            eventually(lambda: tab.js("document.querySelector('[data-value]') !== null"), within_s=20)
            began = time.monotonic()
            publish(cache, now([row(price=5.0)]), etag='"next"')
            price = "document.querySelector('#rows [data-field=price]').textContent"
            eventually(lambda: tab.js(price) == "5.0000", within_s=20)
            took = time.monotonic() - began
            tab.open("about:blank#left")
    finally:
        stop.set()
        streaming.join(10)

    assert took < NEXT_POLL_S


async def _stream(cache, port, stop):
    ended, listening = asyncio.Event(), asyncio.Event()
    shelf = Shelf(cache=cache, clock=time.time, ttl_s=cache.ttl(DASHBOARD))
    stream = Stream(cache=cache, shelf=shelf)
    running = asyncio.create_task(stream.run(host="127.0.0.1", port=port, stop=ended, listening=listening))
    await asyncio.to_thread(stop.wait)
    ended.set()
    await running
