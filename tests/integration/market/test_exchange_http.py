"""Strange answers over a real socket, through real ccxt clients of three exchanges."""

from __future__ import annotations

import time

import pytest

from market.errors import BadAnswer, Banned, ExchangeUnavailable, NotSupported, RateLimited
from tests.support.answering import IDS, edge, server

pytestmark = pytest.mark.integration

CALLS = {
    "candles": lambda exchange: exchange.candles("BTC/USDT", "1h", bars=5),
    "order_book": lambda exchange: exchange.order_book("BTC/USDT"),
    "tickers": lambda exchange: exchange.tickers(["BTC/USDT"]),
}

ODD = {
    "empty": (200, b"", {}),
    "null": (200, b"null", {}),
    "html": (200, b"<html><body>Just a moment...</body></html>", {"Content-Type": "text/html"}),
    "truncated": (200, b'{"retCode":0,"code":"0","error":[],"result":{"list":[["17', {}),
    "no json": (200, b"OK", {"Content-Type": "text/plain"}),
    "empty object": (200, b"{}", {}),
    "empty list": (200, b"[]", {}),
    "a number": (200, b"7", {}),
    "nothing in it": (200, b'{"retCode":0,"code":"0","error":[],"result":{},"data":[]}', {}),
    "rows of nothing": (200, b'{"retCode":0,"code":"0","result":{"list":[0],"XBTUSDT":[0]},"data":[0]}', {}),
    "deep": (200, b'{"a":' * 5000 + b"1" + b"}" * 5000, {}),
}  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("id", IDS)
@pytest.mark.parametrize("body", ODD)
def test_a_200_that_is_no_answer_is_a_bad_answer(http, id, body, call):  # noqa: A002
    """The parsers make empty results, rows of None or plain Python errors of these; we name them all."""
    http.answer = ODD[body]

    with pytest.raises(BadAnswer) as refused:
        CALLS[call](edge(id, http))

    assert refused.value.exchange == id


@pytest.mark.parametrize("id", IDS)
@pytest.mark.parametrize("body", [b"{}", b"", b"<html>", b"null", b"[]"])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, RateLimited),
        (418, Banned),
        (403, Banned),
        (451, Banned),
        (404, NotSupported),
        (500, ExchangeUnavailable),
        (502, ExchangeUnavailable),
        (503, ExchangeUnavailable),
        (504, ExchangeUnavailable),
        (520, ExchangeUnavailable),
    ],
)
def test_the_status_decides_whatever_the_body(http, id, status, body, kind):  # noqa: A002
    """A proxy's HTML and an exchange's `{}` mean the same under the same status."""
    http.answer = (status, body, {})

    with pytest.raises(kind) as refused:
        edge(id, http).candles("BTC/USDT", "1h", bars=5)

    assert type(refused.value) is kind
    assert f"HTTP {status}" in refused.value.reason


@pytest.mark.parametrize("id", IDS)
def test_after_a_429_nothing_is_asked_until_the_exchange_allows_it(http, id):  # noqa: A002
    """The second call fails without a request: the limiter is closed."""
    http.answer = (429, b"{}", {"Retry-After": "60"})
    exchange = edge(id, http)

    for _ in range(2):
        with pytest.raises(RateLimited) as refused:
            exchange.order_book("BTC/USDT")
        assert refused.value.until == pytest.approx(time.time() + 60, abs=2)

    assert http.asked == 1


def test_an_exchange_that_says_when_it_is_back_is_left_alone_until_then(http):
    """A 503 with Retry-After closes the limiter as well, under its own name."""
    http.answer = (503, b"{}", {"Retry-After": "60"})
    exchange = edge("bybit", http)

    for _ in range(2):
        with pytest.raises(ExchangeUnavailable) as refused:
            exchange.order_book("BTC/USDT")
        assert refused.value.retry_after == pytest.approx(60, abs=2)

    assert http.asked == 1


@pytest.mark.parametrize("id", IDS)
@pytest.mark.parametrize("how", ["reset", "silence", "cut"])
def test_an_answer_that_does_not_come_is_an_unavailable_exchange(http, id, how):  # noqa: A002
    """Reset, silent until the time-out, or cut in the middle."""
    http.answer = (200, b'{"re', {"Content-Length": "999"}) if how == "cut" else (how, b"", {})

    with pytest.raises(ExchangeUnavailable):
        edge(id, http, timeout_s=0.3).order_book("BTC/USDT")


@pytest.mark.parametrize("id", IDS)
def test_a_port_that_nobody_listens_on_is_an_unavailable_exchange(id):  # noqa: A002
    """Connection refused."""
    with server() as gone:
        exchange = edge(id, gone)

    with pytest.raises(ExchangeUnavailable) as refused:
        exchange.order_book("BTC/USDT")

    assert refused.value.reason == "NetworkError: Connection refused"
