"""Claims about the state of one symbol: what its page says is what the dashboard says."""

from __future__ import annotations

import pytest

from cache.catalogue import CONFLUENCE, EXCHANGE_STATUS, TICKERS
from cache.states import of_exchange
from tasks.rows import symbol_row
from tests.support.dashboards import NOW, put_score, put_status, put_universe, score

URL = "/api/symbols/simulated/BTC/USDT:USDT"


@pytest.fixture(autouse=True)
def _listed(cache):
    put_universe(cache, "BTC/USDT:USDT")
    put_status(cache, "tickers")


def test_a_score_past_its_life_says_since_when(cache, client, clock):
    """The last good one, marked; nothing is live once the price is late as well."""
    put_score(cache)

    clock.move(31)
    delayed = client.get(URL)
    clock.move(30)
    answer = client.get(URL)

    reason = "not scored since 00:00:00 UTC"
    assert (delayed.status_code, delayed.json["score"]) == (200, 62.5)
    assert (delayed.json["state"], delayed.json["reason"]) == ("delayed", reason)
    assert (delayed.headers["Cache-Control"], delayed.headers["Age"]) == (
        "max-age=0, stale-if-error=30",
        "31",
    )
    assert (answer.json["state"], answer.json["score"]) == ("stale", 62.5)
    assert answer.json["reason"].startswith(f"price not confirmed since 23:59:59 UTC; {reason}")
    assert (answer.headers["Cache-Control"], answer.headers["Age"]) == (
        "max-age=0, stale-if-error=86430",
        "61",
    )


def test_a_live_answer_is_kept_no_longer_than_its_price_is_confirmed(cache, client, clock):
    """Else somebody's cache would go on calling it live; what is delayed is not kept at all."""
    clock.move(40)
    put_score(cache)  # whose price was confirmed before the first of these seconds
    clock.move(10)

    live = client.get(URL)
    clock.move(10)
    delayed = client.get(URL)

    assert (live.json["state"], delayed.json["state"]) == ("live", "delayed")
    kept_s = int(live.headers["Cache-Control"].split(",")[0].removeprefix("max-age="))
    assert kept_s - int(live.headers["Age"]) == 9
    assert delayed.headers["Cache-Control"].startswith("max-age=0,")


def test_a_score_made_of_late_inputs_is_not_live_and_names_them(cache, client, clock):
    """However lately it was made; what the scorer wrote down about its inputs is the better reason."""
    put_score(cache, stale=["candles 1m", "order_book"])

    fresh = client.get(URL).json
    clock.move(31)
    old = client.get(URL).json

    reason = "score from inputs that are late: candles 1m, order_book"
    assert (fresh["state"], fresh["reason"]) == ("delayed", reason)
    assert (old["state"], old["reason"]) == ("delayed", reason)


@pytest.mark.parametrize("stale", [[], ["order_book"]])
@pytest.mark.parametrize("seconds", [0, 31, 61])
@pytest.mark.parametrize("state", ["ok", "rate_limited"])
def test_a_symbol_is_what_the_dashboard_says_that_it_is(cache, client, clock, stale, seconds, state):
    """The same word for the same reason, whichever page is open."""
    put_score(cache, stale=stale)
    put_status(cache, "tickers", state=state, reason=None if state == "ok" else "429", retry_at=NOW + 900)
    clock.move(seconds)

    told = client.get(URL).json

    status = EXCHANGE_STATUS.key(exchange="simulated", source="tickers")
    row = symbol_row(
        exchange=of_exchange("simulated", {"tickers": cache.get(status)}, now=clock(), silent_after_s=60.0),
        symbol="BTC/USDT:USDT",
        tickers=cache.get(TICKERS.key(exchange="simulated")),
        score=cache.get(CONFLUENCE.key(exchange="simulated", symbol="BTC/USDT:USDT")),
        spark=(),
        now=clock(),
        price_ttl_s=60.0,
    )
    assert (told["state"], told["reason"]) == (row["state"], row["reason"])


def test_a_fresh_score_without_a_confirmed_price_is_delayed(cache, client, clock):
    """Half of what is shown is late; the tag changes with that."""
    put_score(cache)
    tag = client.get(URL).headers["ETag"]
    clock.move(61)
    cache.put(CONFLUENCE.key(exchange="simulated", symbol="BTC/USDT:USDT"), score(), as_of=NOW + 60)
    put_status(cache, "tickers")
    late = client.get(URL)
    cache.remove(TICKERS.key(exchange="simulated"))
    lost = client.get(URL)

    assert (late.json["state"], late.json["reason"]) == ("delayed", "price not confirmed since 23:59:59 UTC")
    assert (lost.json["state"], lost.json["reason"]) == ("delayed", "no price from the exchange")
    assert len({tag, late.headers["ETag"], lost.headers["ETag"]}) == 3


@pytest.mark.parametrize(
    ("missing", "reason"),
    [([{"name": "technical", "reason": "no candles yet"}], "no candles yet"), ([], "no input is usable")],
)
def test_a_score_without_a_number_is_empty_with_the_reason(cache, client, missing, reason):
    """Null, never 50."""
    put_score(cache, score=None, missing=missing)

    told = client.get(URL).json

    assert (told["score"], told["state"], told["reason"]) == (None, "empty", reason)


def test_its_tag_changes_with_the_state_and_not_with_the_age(cache, client, clock):
    """A page that polls is told once that it is not live any more."""
    put_score(cache)
    fresh = client.get(URL).headers["ETag"]

    clock.move(5)
    same = client.get(URL, headers={"If-None-Match": fresh})
    clock.move(30)
    turned = client.get(URL, headers={"If-None-Match": fresh})

    assert (same.status_code, same.data) == (304, b"")
    assert (turned.status_code, turned.json["state"]) == (200, "delayed")
