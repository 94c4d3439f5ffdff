"""Claims about the simulated exchange's answers: what they hold, how much of it, and what is refused."""

from __future__ import annotations

import json
from urllib.parse import unquote

import pytest

from tests.support.simulator_parts import recorded, synthetic, write_candles

NOW = 1_779_969_600.0 + 5 * 3600 + 12.5
BITCOIN = {"category": "linear", "symbol": "BTCUSDT"}
MINUTE = 60_000


@pytest.fixture(scope="module")
def parts():
    """A synthetic exchange of sixty symbols."""
    return synthetic(NOW, symbols=60)


def opens(parts, **query: object):
    """Open times of a kline answer."""
    return [int(row[0]) for row in parts.result("kline", **{**BITCOIN, "interval": "1", **query})["list"]]


def test_the_envelope_is_bybits(parts):
    """Five keys, in ms of the exchange's clock; seconds and nanoseconds as strings."""
    answer = parts.answer("time")

    assert list(answer) == ["retCode", "retMsg", "result", "retExtInfo", "time"]
    assert answer["time"] == int(NOW * 1000)
    assert answer["result"] == {"timeSecond": str(int(NOW)), "timeNano": str(int(NOW * 1000) * 1_000_000)}
    assert parts.reply("time").headers["Date"] == "Thu, 28 May 2026 17:00:12 GMT"


@pytest.mark.parametrize(("limit", "count"), [(None, 200), (1, 1), (1000, 1000), (5000, 1000)])
def test_candles_come_newest_first_200_by_default_1000_at_most(parts, limit, count):
    """More than the most is cut to it."""
    found = opens(parts, **({} if limit is None else {"limit": limit}))

    assert len(found) == count
    assert found[0] == int(NOW * 1000) // MINUTE * MINUTE
    assert found == sorted(found, reverse=True)


def test_start_alone_gives_the_first_from_there(parts):
    """The candle that holds the start is the first."""
    start = int(NOW * 1000) - 5000 * MINUTE

    found = opens(parts, start=start + 7, limit=3)

    first = (start + 7) // MINUTE * MINUTE
    assert found == [first + 2 * MINUTE, first + MINUTE, first]


def test_end_alone_and_both_give_the_newest_up_to_the_end(parts):
    """A range longer than the limit keeps its newer part."""
    end = int(NOW * 1000) // MINUTE * MINUTE - 777 * MINUTE

    alone = opens(parts, end=end, limit=3)
    both = opens(parts, start=end - 100 * MINUTE, end=end, limit=3)
    short = opens(parts, start=end - MINUTE, end=end, limit=100)

    assert alone == both == [end, end - MINUTE, end - 2 * MINUTE]
    assert short == [end, end - MINUTE]


def test_nothing_lies_before_the_listing_or_after_now(parts):
    """Empty lists, not errors."""
    assert opens(parts, start=0, end=1_000_000_000_000) == []
    assert opens(parts, start=int(NOW * 1000) + 10**9) == []


def test_instruments_come_in_pages(parts):
    """The cursor leads through all, each once; spot has no pages."""
    found, cursor = [], ""
    while True:
        page = parts.result("instruments-info", category="linear", limit=25, cursor=unquote(cursor))
        found += [row["symbol"] for row in page["list"]]
        cursor = page["nextPageCursor"]
        if not cursor:
            break

    assert len(found) == len(set(found)) == 60
    spot = parts.result("instruments-info", category="spot", limit=1)
    assert len(spot["list"]) == 24
    assert "nextPageCursor" not in spot


def test_a_raw_cursor_works_too(parts):
    """A client may send it back encoded once more."""
    page = parts.result("instruments-info", category="linear", limit=50)

    rest = parts.result("instruments-info", category="linear", cursor=page["nextPageCursor"])

    assert len(rest["list"]) == 10


def test_instruments_can_be_chosen(parts):
    """By symbol, base coin and status."""
    assert [row["symbol"] for row in parts.result("instruments-info", **BITCOIN)["list"]] == ["BTCUSDT"]
    by_base = parts.result("instruments-info", category="linear", baseCoin="ETH")
    assert [row["symbol"] for row in by_base["list"]] == ["ETHUSDT"]
    assert parts.result("instruments-info", category="linear", status="PreLaunch")["list"] == []
    assert parts.result("instruments-info", category="spot", symbol="NOPEUSDT")["list"] == []


@pytest.mark.parametrize("category", ["inverse", "option"])
def test_inverse_and_option_are_valid_and_empty(parts, category):
    """Their lists have nothing in them."""
    assert parts.result("instruments-info", category=category)["list"] == []
    assert parts.result("tickers", category=category)["list"] == []


@pytest.mark.parametrize(
    ("path", "query", "message"),
    [
        ("kline", {}, "Illegal category"),
        ("kline", {"category": "futures"}, "Illegal category"),
        ("kline", {**BITCOIN, "interval": "7"}, "Invalid period!"),
        ("kline", {**BITCOIN}, "Invalid period!"),
        ("kline", {"category": "linear", "symbol": "NOPE", "interval": "1"}, "params error: symbol invalid"),
        (
            "kline",
            {"category": "inverse", "symbol": "BTCUSDT", "interval": "1"},
            "params error: symbol invalid",
        ),
        ("kline", {"category": "spot", "symbol": "NOPE", "interval": "1"}, "Not supported symbols"),
        ("kline", {**BITCOIN, "interval": "1", "limit": "x"}, "params error: limit invalid"),
        ("kline", {**BITCOIN, "interval": "1", "limit": "0"}, "params error: limit invalid"),
        ("kline", {**BITCOIN, "interval": "1", "start": "-5"}, "params error: start invalid"),
        ("kline", {**BITCOIN, "interval": "1", "end": "9" * 30}, "params error: end invalid"),
        ("tickers", {"category": "linear", "symbol": "btcusdt"}, "params error: symbol invalid"),
        ("instruments-info", {"category": "linear", "symbol": "NOPE"}, "params error: symbol invalid"),
        ("instruments-info", {"category": "linear", "status": "Sleeping"}, "params error: status invalid"),
        ("orderbook", {"category": "spot", "symbol": "NOPE"}, "Not supported symbols"),
        ("recent-trade", {"category": "option"}, "params error: symbol invalid"),
        ("funding/history", {"category": "spot", "symbol": "BTCUSDT"}, "Illegal category"),
        ("funding/history", {**BITCOIN, "startTime": 5}, "params error: endTime invalid"),
        ("open-interest", {**BITCOIN, "intervalTime": "1m"}, "params error: intervalTime is invalid"),
        ("account-ratio", {**BITCOIN}, "params error: period is invalid"),
    ],
)
def test_wrong_parameters_are_refused_with_10001_and_http_200(parts, path, query, message):
    """As the real one does."""
    reply = parts.reply(path, **query)

    answer = json.loads(reply.body)
    assert reply.status == 200
    assert (answer["retCode"], answer["retMsg"]) == (10001, message)


def test_unknown_paths_are_404(parts):
    """Not an envelope with 200."""
    assert parts.reply("insurance").status == 404


@pytest.mark.parametrize(
    ("category", "limit", "depth"),
    [("spot", None, 1), ("linear", None, 25), ("spot", 50, 50), ("linear", 500, 200), ("spot", 999, 200)],
)
def test_book_depths_are_bybits(parts, category, limit, depth):
    """One level of spot by default, 25 of contracts; there are 200 in all."""
    query = {"category": category, "symbol": "BTCUSDT", **({} if limit is None else {"limit": limit})}

    book = parts.result("orderbook", **query)

    assert len(book["b"]) == len(book["a"]) == depth
    assert book["s"] == "BTCUSDT"
    assert (book["ts"], book["cts"]) == (int(NOW * 1000), int(NOW) * 1000)


@pytest.mark.parametrize(
    ("category", "limit", "count"),
    [("spot", None, 60), ("spot", 500, 60), ("linear", None, 500), ("linear", 2, 2)],
)
def test_recent_trades_are_newest_first_with_bybits_limits(parts, category, limit, count):
    """Sixty of spot, up to a thousand of contracts."""
    query = {"category": category, "symbol": "ETHUSDT", **({} if limit is None else {"limit": limit})}

    rows = parts.result("recent-trade", **query)["list"]

    times = [int(row["time"]) for row in rows]
    assert len(rows) == count
    assert times == sorted(times, reverse=True)
    assert {row["side"] for row in rows} <= {"Buy", "Sell"}


def test_prices_are_multiples_of_the_tick_and_amounts_of_the_step(parts):
    """No answer has more decimals than the instrument allows."""
    for one in parts.result("instruments-info", category="linear")["list"][:20]:
        ticks = len(one["priceFilter"]["tickSize"].partition(".")[2])
        steps = len(one["lotSizeFilter"]["qtyStep"].partition(".")[2])
        query = {"category": "linear", "symbol": one["symbol"]}

        row = parts.result("kline", **query, interval="1", limit=1)["list"][0]
        book = parts.result("orderbook", **query)

        assert all(len(text.partition(".")[2]) <= ticks for text in row[1:5])
        assert len(row[5].partition(".")[2]) <= steps
        assert all(len(price.partition(".")[2]) <= ticks for price, _ in book["b"] + book["a"])


def test_what_has_ended_is_closed_and_has_no_ticker(tmp_path):
    """After a recording's end: Closed, no tickers, no book, but the history stays."""
    write_candles(tmp_path, {"BTC": [("10.5", "11.25", "10.0", "11", "7.50")] * 90})
    parts = recorded(tmp_path, NOW)
    parts.clock.now = parts.market.stop_index * 60.0 + 5

    assert parts.result("instruments-info", category="linear")["list"][0]["status"] == "Closed"
    assert parts.result("instruments-info", category="linear", status="Trading")["list"] == []
    assert parts.result("tickers", category="linear")["list"] == []
    assert parts.answer("orderbook", **BITCOIN)["retCode"] == 10001
    assert len(parts.result("kline", **BITCOIN, interval="1", limit=5)["list"]) == 5
