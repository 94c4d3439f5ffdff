"""Strange answers over a real socket, through real ccxt clients of three exchanges."""

from __future__ import annotations

import gzip
import socket
import ssl
import struct
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from market import session
from market.clients import make_client
from market.errors import BadAnswer, Banned, ExchangeUnavailable, NotSupported, RateLimited
from market.exchange import Exchange
from market.limiter import rate_of
from market.token_bucket import TokenBucket
from tests.support.certificates import make_certificates
from tests.support.replay import made_market

pytestmark = pytest.mark.integration

IDS = {"bybit": "BTCUSDT", "okx": "BTC-USDT", "kraken": "XBTUSDT"}  # and their name for BTC/USDT


class Answering(BaseHTTPRequestHandler):
    """Answers every request as the server's `answer` says."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        self.server.asked += 1
        self.server.callers.add(self.client_address)
        self.server.paths.append(self.path)
        status, body, headers = self.server.answer
        if status == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        if status == "drip":
            self.drip(body)
            return
        if status == "silence":
            self.server.over.wait(10)
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Type", headers.get("Content-Type", "application/json"))
        if headers.get("Content-Length", "") is not None:
            self.send_header("Content-Length", headers.get("Content-Length", str(len(body))))
        for name in headers.keys() - {"Content-Type", "Content-Length"}:
            self.send_header(name, headers[name])
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = "Content-Length" in headers

    def drip(self, body: bytes) -> None:
        """Send the body byte by byte, never silent for as long as the time-out."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for place in range(len(body)):
            if self.server.over.wait(0.05):
                return
            with suppress(OSError):
                self.wfile.write(body[place : place + 1])

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@contextmanager
def server():
    """A server on a free port, told what to answer through its `answer`."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    http.answer, http.asked, http.over = (200, b"{}", {}), 0, threading.Event()
    http.callers, http.paths = set(), []
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield http
    finally:
        http.over.set()
        http.shutdown()
        thread.join()
        http.server_close()


@pytest.fixture
def http():
    """A server for one test."""
    with server() as http:
        yield http


def edge(id: str, http, timeout_s: float = 5.0):  # noqa: A002
    """An exchange whose every address is the server, with one market."""
    client = make_client(id, simulator_url="", timeout_s=timeout_s)
    url = f"http://127.0.0.1:{http.server_port}"
    api = client.urls["api"]
    client.urls["api"] = dict.fromkeys(api, url) | {"rest": url}
    client.set_markets([made_market("BTC/USDT", id=IDS[id], kind="spot")])
    rate = rate_of(id, rate_limit_ms=1)
    return Exchange(
        id=id, client=client, limiter=TokenBucket(exchange=id, rate=rate), clock=time.time, patience_s=0.5
    )


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


BOOK = b'{"retCode":0,"result":{"s":"BTCUSDT","b":[["1","2"]],"a":[["3","4"]],"ts":1700000000000}}'


def test_an_answer_that_drips_is_given_up_after_the_time_out(http):
    """A byte now and then keeps a socket alive, but not the caller waiting."""
    http.answer = ("drip", BOOK, {})
    exchange = edge("bybit", http, timeout_s=0.3)
    began = time.monotonic()

    with pytest.raises(ExchangeUnavailable):
        exchange.order_book("BTC/USDT")

    assert time.monotonic() - began < 2.0


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
