"""How an answer comes over a real socket: whole however it is sent, in time, and from whom it should."""

from __future__ import annotations

import gzip
import ssl
import time

import pytest

from market import session
from market.errors import ExchangeUnavailable
from tests.support.answering import edge, server
from tests.support.certificates import make_certificates
from tests.support.replay import made_market

pytestmark = pytest.mark.integration

BOOK = b'{"retCode":0,"result":{"s":"BTCUSDT","b":[["1","2"]],"a":[["3","4"]],"ts":1700000000000}}'


def test_an_answer_that_drips_is_given_up_after_the_time_out(http):
    """A byte now and then keeps a socket alive, but not the caller waiting."""
    http.answer = ("drip", BOOK, {})
    exchange = edge("bybit", http, timeout_s=0.3)
    began = time.monotonic()

    with pytest.raises(ExchangeUnavailable):
        exchange.order_book("BTC/USDT")

    assert time.monotonic() - began < 5.0


def test_a_body_without_an_end_is_given_up(http, monkeypatch):
    """Nobody's memory is filled by a broken server."""
    monkeypatch.setattr(session, "LARGEST_BODY", 1000)
    http.answer = (200, BOOK + b" " * 2000, {})

    with pytest.raises(ExchangeUnavailable):
        edge("bybit", http).order_book("BTC/USDT")


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_a_whole_answer_arrives_compressed_or_not(http, coding):
    """Bodies are decoded as the headers say, and the connection is used again."""
    body = gzip.compress(BOOK) if coding == "gzip" else BOOK
    http.answer = (200, body, {"Content-Encoding": coding})
    exchange = edge("bybit", http)

    for _ in range(3):
        assert exchange.order_book("BTC/USDT").bids.tolist() == [[1.0, 2.0]]


def test_a_chunked_answer_arrives_whole(http):
    """Length unknown in advance, as large answers often are."""
    half = len(BOOK) // 2
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (BOOK[:half], BOOK[half:], b""))
    http.answer = (200, chunks, {"Transfer-Encoding": "chunked", "Content-Length": None})

    assert edge("bybit", http).order_book("BTC/USDT").asks.tolist() == [[3.0, 4.0]]


def test_one_connection_carries_all_calls_of_a_client(http):
    """A new one for each would cost more than the call."""
    http.answer = (200, BOOK, {})
    exchange = edge("bybit", http)

    for _ in range(3):
        exchange.order_book("BTC/USDT")

    assert (http.asked, len(http.callers)) == (3, 1)


def test_an_answer_from_elsewhere_is_fetched_there(http):
    """An exchange that moved sends us on, and is followed as a browser would."""
    with server() as moved_to:
        moved_to.answer = (200, BOOK, {})
        http.answer = (302, b"", {"Location": f"http://127.0.0.1:{moved_to.server_port}/there"})

        exchange = edge("bybit", http)
        books = [exchange.order_book("BTC/USDT") for _ in range(2)]

        assert [book.bids.tolist() for book in books] == [[[1.0, 2.0]]] * 2
        assert moved_to.paths == ["/there"] * 2
        assert http.asked == 3  # once too often: that is how we learn of it


def test_a_symbol_in_another_script_is_escaped(http):
    """Bybit lists some; ccxt puts them into the address as they are."""
    http.answer = (200, BOOK, {})
    exchange = edge("bybit", http)
    exchange._client.set_markets([made_market("BTC/USDT", id="比特币USDT", kind="spot")])

    exchange.order_book("BTC/USDT")

    assert "symbol=%E6%AF%94%E7%89%B9%E5%B8%81USDT" in http.paths[0]


def test_an_exchange_without_a_certificate_that_is_trusted_is_not_asked(http, tmp_path):
    """Whoever sits between us and it learns nothing, and tells us nothing."""
    made = make_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    http.socket = context.wrap_socket(http.socket, server_side=True)
    http.handle_error = lambda *_: None  # it is told that it is not trusted
    http.answer = (200, BOOK, {})
    exchange = edge("bybit", http)
    exchange._client.urls["api"] = dict.fromkeys(
        exchange._client.urls["api"], f"https://127.0.0.1:{http.server_port}"
    )

    with pytest.raises(ExchangeUnavailable):
        exchange.order_book("BTC/USDT")

    assert http.asked == 0
