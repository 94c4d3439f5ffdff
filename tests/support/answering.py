"""A server that answers as a test says, and real ccxt clients of three exchanges that ask it."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from market.clients import make_client
from market.exchange import Exchange
from market.limiter import rate_of
from market.token_bucket import TokenBucket
from tests.support.replay import made_market

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
