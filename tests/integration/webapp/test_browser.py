"""Claims about the pages in a browser: right numbers, kept current, and the truth when they are not."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from werkzeug.wrappers import Response

from tests.support.browser import dom_after
from tests.support.dashboards import document, memory_cache, publish, put_score, put_status, put_universe, row
from tests.support.waiting import eventually
from tests.support.web import served
from webapp import create_app

pytestmark = pytest.mark.integration

AGE = 15


class Site:
    """The app behind a door that a test may shut; `then` runs once the page has its first dashboard."""

    def __init__(self, cache) -> None:
        self.cache = cache
        self.app = create_app(cache=cache, exchanges=("simulated",))
        self.then = None
        self.shut = False
        self.asked = []

    def __call__(self, environ, start_response) -> object:
        """Answer as the app would, or as a proxy whose app is gone."""
        path = environ["PATH_INFO"]
        if self.shut and not path.startswith("/static/"):
            return Response("gone", 502)(environ, start_response)
        answer = self.app(environ, start_response)
        if path.startswith("/api/"):
            self.asked.append((path, environ.get("HTTP_IF_NONE_MATCH")))
            if self.then is not None and len(self.asked) == 1:
                self.then()
        return answer


@pytest.fixture
def site():
    """A site over a cache of its own, published now."""
    cache = memory_cache(time.time)
    yield Site(cache)
    cache.close()


def current(*rows: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A dashboard of this moment."""
    now = time.time()
    return document(
        [{**one, "as_of": now - 2} for one in rows or (row(),)], generated_at=now, as_of=now - 2, **fields
    )


def cells(page):
    """The texts of the table's cells, row by row."""
    body = re.search(r'<tbody id="rows">(.*?)</tbody>', page, re.DOTALL)[1]
    return [
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.split(r"</t[dh]>", line)[:-1]]
        for line in body.split("</tr>")[:-1]
    ]


def text_of(page, name):
    """The text of the element with this id."""
    return re.sub(r"<[^>]+>", "", re.search(rf'id="{name}"[^>]*>(.*?)</div>', page, re.DOTALL)[1]).strip()


def hidden(page, name):
    """Whether the element with this id is hidden."""
    return " hidden" in re.search(rf'<[^>]* id="{name}"[^>]*>', page)[0]


ROWS = (
    row(),
    row("ETH/USDT:USDT", price=0.000012584, change_24h=0.004, score=29.95, signal="short", spark=[]),
    row("NEW/USDT", price=None, change_24h=None, turnover_24h=None, score=None, signal=None, confidence=None,
        state="empty", reason="not scored yet", components=dict.fromkeys(row()["components"])),
)  # fmt: skip


def test_the_script_writes_what_the_server_wrote(site):
    """The same cells from the JSON as from the template, but for the ages."""
    publish(site.cache, current(*ROWS))
    with served(site) as url:
        rendered = cells(site.app.test_client().get("/").text)
        page = dom_after(url, page_s=2)

    scripted = cells(page)
    for line in (*rendered, *scripted):
        line[AGE] = "" if line[AGE].endswith("s") else line[AGE]
    assert site.asked[0] == ("/api/dashboard/data", None)
    assert scripted == rendered
    assert scripted[2][1] == "\N{EN DASH}"


def test_an_empty_page_follows_what_becomes_known_of_an_exchange(site):
    """Nothing is published: the script takes the reason from the refusal."""
    site.then = lambda: put_status(site.cache, "universe", state="unreachable", reason="connection refused")
    with served(site) as url:
        page = dom_after(url, page_s=9)

    listed = re.search(r'id="exchanges">(.*?)</ul>', page, re.DOTALL)[1]
    assert "universe: connection refused, since 23:59:00 UTC" in listed
    assert 'data-tone="bad">unreachable<' in listed
    assert text_of(page, "trouble").endswith("; simulated: universe: connection refused")


def test_the_table_follows_a_change(site):
    """New numbers in their rows, a new symbol in its place, a delisted one gone; asked with the tag."""
    publish(site.cache, current(*ROWS))
    changed = (row("SOL/USDT:USDT", price=168.5), row(price=99_999.0, state="delayed", reason="late"))
    site.then = lambda: publish(
        site.cache, current(*changed, state="delayed", reason="1 of 2 symbols are not live"), etag='"next"'
    )

    with served(site) as url:
        page = dom_after(url, page_s=8)

    assert [(line[0], line[1], line[-1]) for line in cells(page)] == [
        ("SOL/USDT:USDTsimulated", "168.500", "live"),
        ("BTC/USDT:USDTsimulated", "99,999.00", "delayed"),
    ]
    assert site.asked[1] == ("/api/dashboard/data", 'W/"abc123"')
    assert not hidden(page, "trouble")
    assert text_of(page, "trouble").split() == ["delayed", "1", "of", "2", "symbols", "are", "not", "live"]


def test_a_lost_connection_is_told_and_nothing_stays_live(site):
    """The last numbers stay, marked; the banner says since when."""
    publish(site.cache, current(*ROWS))

    def shut():
        site.shut = True

    site.then = shut
    with served(site) as url:
        page = dom_after(url, page_s=9)

    assert not hidden(page, "lost")
    assert re.search(r"last update \d\d:\d\d:\d\d UTC; trying again in \d+ s", text_of(page, "lost"))
    assert {line[-1] for line in cells(page)} == {"stale"}
    assert cells(page)[0][1] == "103,251.40"
    assert len(re.findall(r'data-field="price"[^>]* data-late=""', page)) == 2 + 1  # two rows, and a mover
    assert re.search(r'data-overview="btc_price"[^>]* data-late="" title="connection lost"', page)
    assert 'data-tone="late">unknown<' in page


def test_an_empty_page_fills_itself(site):
    """Opened before the first dashboard, it needs no reload."""
    site.then = lambda: publish(site.cache, current(*ROWS))

    with served(site) as url:
        page = dom_after(url, page_s=6)

    assert cells(page)[0][0] == "BTC/USDT:USDTsimulated"
    assert hidden(page, "nothing")
    assert hidden(page, "trouble")


def test_the_small_page_follows_a_change(site):
    """Its own view, the same script."""
    publish(site.cache, current(*ROWS), view="mobile")
    site.then = lambda: publish(site.cache, current(row(price=5.0)), view="mobile", etag='"next"')

    with served(site) as url:
        page = dom_after(f"{url}/mobile", page_s=8, width=360)

    assert page.count('<li class="card"') == 1 + 1  # one shown, one in the <template>
    assert re.search(r'data-field="price"[^>]*>5\.0000<', page)
    assert {path for path, _ in site.asked} == {"/api/dashboard/mobile"}


def test_the_page_of_a_symbol_follows_its_score(site):
    """The server renders it again; the browser exchanges what it says."""
    put_universe(site.cache, "BTC/USDT:USDT")
    put_score(site.cache)
    with served(site) as url:
        eventually(
            lambda: site.app.test_client().get("/symbols/simulated/BTC/USDT:USDT").status_code == 200, 20
        )
        inner, seen = site.app, []

        def app(environ, start_response):
            seen.append(environ["PATH_INFO"])
            if seen.count("/symbols/simulated/BTC/USDT:USDT") == 2:
                put_score(site.cache, score=12.5)
            return inner(environ, start_response)

        site.app = app
        page = dom_after(f"{url}/symbols/simulated/BTC/USDT:USDT", page_s=8)

    assert re.search(r'class="n huge"[^>]*>12\.5<', page)
    assert hidden(page, "lost")
