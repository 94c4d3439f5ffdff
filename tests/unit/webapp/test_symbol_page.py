"""Claims about the page that explains one score, as the server renders it."""

from __future__ import annotations

import re

from cache.catalogue import CONFLUENCE, INDICATORS, TICKERS
from tests.support.dashboards import NOW, put_beta, put_score, put_universe, score

DASH = "\N{EN DASH}"
SYMBOL_PAGE = "/symbols/simulated/BTC/USDT:USDT"


def test_the_page_of_a_symbol_explains_its_score(cache, client):
    """Components, sub-scores, weights, formulas, inputs with ages, and what is missing with its reason."""
    put_universe(cache, "BTC/USDT:USDT")
    put_score(cache)

    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", client.get(SYMBOL_PAGE).text))

    for told in (
        "BTC/USDT:USDT", "62.5", "103,251.40", "TechnicalRating v3", "+0.250", "tanh(&lt;x&gt;)", "12.500",
        "one side of the book is empty", "no funding rate", "order book 23:58:55 UTC 1m 05s", "1m +0.250",
        "EMA10 +1", "RSI14 \N{MINUS SIGN}1", "MACD 0", f"HMA9 {DASH}", "Simulated market",
    ):  # fmt: skip
        assert told in page, told


def test_the_page_of_a_symbol_is_the_same_until_its_score_changes(cache, client, clock):
    """It is polled: 304 while version and state stay."""
    put_universe(cache, "BTC/USDT:USDT")
    put_score(cache)
    tag = client.get(SYMBOL_PAGE).headers["ETag"]

    same = client.get(SYMBOL_PAGE, headers={"If-None-Match": tag})
    clock.move(31)
    turned = client.get(SYMBOL_PAGE, headers={"If-None-Match": tag})

    assert same.status_code == 304
    assert "not scored since 00:00:00 UTC" in turned.text


def test_the_page_of_a_symbol_follows_its_price_and_its_views(cache, client):
    """The score stays as it is: what else is on the page changes its tag too."""
    put_universe(cache, "BTC/USDT:USDT")
    put_score(cache)
    tag = client.get(SYMBOL_PAGE).headers["ETag"]

    ticker = {"last": 99_000.5, "change_24h": 1.0, "as_of": NOW, "confirmed_at": NOW}
    cache.put(TICKERS.key(exchange="simulated"), {"tickers": {"BTC/USDT:USDT": ticker}}, as_of=NOW)
    priced = client.get(SYMBOL_PAGE, headers={"If-None-Match": tag})
    view = {"timeframe": "1m", "technical": {"votes": {"EMA10": -1}}}
    key = INDICATORS.key(exchange="simulated", symbol="BTC/USDT:USDT", timeframe="1m")
    cache.put(key, view, as_of=NOW)
    voted = client.get(SYMBOL_PAGE, headers={"If-None-Match": priced.headers["ETag"]})
    same = client.get(SYMBOL_PAGE, headers={"If-None-Match": voted.headers["ETag"]})

    assert (priced.status_code, voted.status_code, same.status_code) == (200, 200, 304)
    assert "99,000.50" in priced.text
    assert len({tag, priced.headers["ETag"], voted.headers["ETag"]}) == 3


def test_a_score_without_views_or_prices_is_explained_all_the_same(cache, client):
    """What is gone from the cache is left out of the page."""
    put_universe(cache, "BTC/USDT:USDT")
    put_score(cache, components={}, score=None, as_of=None)

    page = client.get(SYMBOL_PAGE)

    assert page.status_code == 200
    assert 'id="votes"' not in page.text


def test_the_page_of_an_unscored_symbol_is_an_error_page(cache, client):
    """With the state, and where to go."""
    put_universe(cache, "BTC/USDT:USDT")

    answer = client.get(SYMBOL_PAGE)

    assert answer.status_code == 503
    assert "not scored yet" in answer.text
    assert 'data-tone="none">empty<' in answer.text


def test_the_page_names_every_input_and_why_one_is_not_used(cache, client):
    """A line for each that the quality counts, and the numbers that a formula took."""
    put_universe(cache, "BTC/USDT:USDT")
    explained = score()
    explained["components"]["technical"]["sub_scores"][1]["facts"] = {"bid_volume": 1234.5678}
    inputs = [
        {"name": "candles 1m", "as_of": NOW - 30, "used": True, "stale": False, "reason": None},
        {"name": "order_book", "as_of": NOW - 65, "used": True, "stale": True, "reason": None},
        {"name": "funding", "as_of": None, "used": False, "stale": False, "reason": "no funding rate yet"},
    ]
    put_score(cache, inputs=inputs, components=explained["components"])

    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", client.get(SYMBOL_PAGE).text))

    for told in (
        "candles 1m used 23:59:30 UTC 30s",
        "order book stale 23:58:55 UTC 1m 05s",
        f"funding missing {DASH} {DASH} no funding rate yet",
        "bid volume 1,234.57",
    ):
        assert told in page, told


def test_the_page_has_the_symbol_s_beta_or_the_reason(cache, client):
    """One window is measured, the other is not yet."""
    put_universe(cache, "BTC/USDT:USDT")
    put_score(cache)
    put_beta(cache, "1h", {"BTC/USDT:USDT": (1.5, -2.75)})

    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", client.get(SYMBOL_PAGE).text))

    assert "1 h \N{MULTIPLICATION SIGN} 168 1.50 0.80 0.64 1.75 0.70 168 \N{MINUS SIGN}2.75 0s live" in page
    assert f"5 m {' '.join([DASH] * 8)} empty not measured yet" in page


def test_a_price_that_nobody_confirms_is_marked_on_the_page_too(cache, client, clock):
    """Beside a score that is live: its tag changes when that happens."""
    put_universe(cache, "BTC/USDT:USDT")
    put_score(cache)
    tag = client.get(SYMBOL_PAGE).headers["ETag"]
    clock.move(61)
    cache.put(CONFLUENCE.key(exchange="simulated", symbol="BTC/USDT:USDT"), score(), as_of=NOW + 60)

    late = client.get(SYMBOL_PAGE)

    assert "24 h · price not confirmed since 23:59:59 UTC" in late.text
    assert '<b class="n" data-late="">103,251.40</b>' in late.text
    assert late.headers["ETag"] != tag
