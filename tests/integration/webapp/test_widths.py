"""Claims about what of the table is in view, whatever the width of the window."""

from __future__ import annotations

import time

import pytest

from tests.support.dashboards import document, memory_cache, publish, row
from tests.support.tab import open_tab
from tests.support.web import served
from webapp import create_app

pytestmark = pytest.mark.integration

EXCHANGES = ("simulated", "simulated2")
LATE = {"state": "delayed", "reason": "not scored since 12:00:00 UTC", "price_state": "stale"}
ROWS = [
    row("1000CHEEMS/USDT:USDT", exchange="simulated2", signal="short", price=0.00001234, **LATE),
    row("BTC/USDT:USDT", price=104_321.5, change_24h=-12.41),
    row("NEW/USDT:USDT", score=None, signal=None, state="empty", reason="not scored yet"),
]
WIDTHS = (800, 1024, 1280, 1400, 1920)
# The word itself, by where its text is: a cell could be in view and its end not.
IN_VIEW = """(() => {
  const box = document.querySelector('.market .scroll'), seen = box.getBoundingClientRect();
  return [...document.querySelectorAll('#rows td.state')].map((cell) => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    const text = range.getBoundingClientRect(), middle = (text.left + text.right) / 2;
    const right = seen.left + box.clientLeft + box.clientWidth;
    return text.left >= seen.left && text.right <= right
      && document.elementFromPoint(middle, (text.top + text.bottom) / 2) === cell;
  });
})()"""


@pytest.fixture
def url():
    """A dashboard of this moment: long symbols on two exchanges, in several states."""
    cache = memory_cache(time.time)
    at = time.time()
    publish(cache, document([{**one, "as_of": at - 9000} for one in ROWS], generated_at=at))
    with served(create_app(cache=cache, exchanges=EXCHANGES)) as found:
        yield found
    cache.close()


def test_the_state_of_every_row_is_in_view(url):
    """Whoever looks sees what a number is worth; where the table is wider, the other columns scroll."""
    with open_tab() as tab:
        tab.open(url)
        for width in WIDTHS:
            sizes = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
            tab.call("Emulation.setDeviceMetricsOverride", **sizes)

            assert (width, tab.js("window.innerWidth"), tab.js(IN_VIEW)) == (width, width, [True] * len(ROWS))
