"""Claims about the WebSocket stream, held by real clients against the real process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.support.dashboards import document, publish, row
from tests.support.system import ask
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
# By itself the library waits for ten seconds for a client that does not answer.
CLOSES_WITHIN_S = 8.0


@contextmanager
def running(redis, memcached, port):
    """`python -m webapp.stream` on that port."""
    environment = {
        **os.environ,
        "REDIS_URL": f"{redis.url}/0",
        "MEMCACHED_SERVERS": memcached.address,
        "STREAM_PORT": str(port),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "webapp.stream"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        eventually(lambda: answers(port), within_s=60)
        yield process
    finally:
        process.kill()
        process.wait()


def answers(port):
    """Whether the stream says that it lives."""
    try:
        return ask(f"http://127.0.0.1:{port}/healthz").body == b"ok\n"
    except OSError:
        return False


@pytest.fixture
def stream(redis_server, memcached_server, unused_port):
    """A running stream: its process and its address."""
    with running(redis_server, memcached_server, unused_port) as process:
        yield process, f"ws://127.0.0.1:{unused_port}/ws"


def told(client):
    """The next notice."""
    return json.loads(client.recv(timeout=20))


def test_a_client_is_told_what_there_is_and_then_every_change(publisher, stream):
    """On connecting, and after each publication of its view; all clients the same."""
    publish(publisher)
    _, url = stream

    with ExitStack() as stack:
        clients = [stack.enter_context(connect(url)) for _ in range(3)]
        first = [told(client)["etag"] for client in clients]
        publish(publisher, etag='"small"', view="mobile")
        publish(publisher, document([row(price=5.0)], generated_at=5.0), etag='"next"')
        second = [told(client) for client in clients]

    assert first == ['"abc123"'] * 3
    assert (
        second
        == [{"type": "dashboard", "view": "data", "etag": '"next"', "generated_at": 5.0, "state": "live"}] * 3
    )


def test_a_client_of_the_small_view_hears_of_that_alone(publisher, stream):
    """The other one changes as often, and is none of its business."""
    _, url = stream

    with connect(f"{url}?view=mobile") as client:
        publish(publisher)
        publish(publisher, etag='"small"', view="mobile")
        heard = told(client)

    assert (heard["view"], heard["etag"]) == ("mobile", '"small"')


def test_a_page_of_another_host_is_refused(stream):
    """Its own pages are on another port of the same host."""
    _, url = stream

    with connect(url, origin="http://127.0.0.1:8000"):
        pass
    with pytest.raises(InvalidStatus) as refused:
        connect(url, origin="http://evil.example")

    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(("path", "status"), [("/", 404), ("/ws?view=none", 400)])
def test_another_address_is_refused(stream, path, status):
    """As plain HTTP."""
    _, url = stream

    with pytest.raises(InvalidStatus) as refused:
        connect(url.removesuffix("/ws") + path)

    assert refused.value.response.status_code == status


def test_a_client_that_talks_is_closed(stream):
    """There is nothing to say to it; what is large is not even read."""
    _, url = stream

    codes = []
    for message in ("hello", "x" * 10_000):
        with connect(url) as client:
            client.send(message)
            with pytest.raises(ConnectionClosed) as closed:
                client.recv(timeout=20)
            codes.append(closed.value.rcvd.code)

    assert codes == [1008, 1009]


def test_sigterm_ends_it_quickly_and_tells_the_clients(publisher, stream):
    """Going away, exit code 0, also with a client that does not answer."""
    publish(publisher)
    process, url = stream
    host, port = url.removeprefix("ws://").removesuffix("/ws").split(":")

    with connect(url) as client, socket.create_connection((host, int(port))) as silent:
        silent.sendall(handshake(host, port))
        silent.recv(4096)
        told(client)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=20)
        process.wait(20)

    assert closed.value.rcvd.code == 1001
    assert process.returncode == 0
    assert time.monotonic() - began < CLOSES_WITHIN_S


def test_it_lives_on_without_redis_and_speaks_again_with_it(publisher, stream, redis_server):
    """Clients stay connected through the outage."""
    publish(publisher)
    _, url = stream

    with connect(url) as client:
        told(client)
        redis_server.kill()
        redis_server.restart()
        eventually(lambda: publisher.health()["l3"] == "up", within_s=20)
        publish(publisher, etag='"after"')
        heard = client.recv(timeout=30)

    assert json.loads(heard)["etag"] == '"after"'


def handshake(host, port):
    """A correct opening handshake of a client that will never read again."""
    return (
        f"GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def test_a_wrong_setting_stops_the_start_with_one_line():
    """It names the variable, what it got and what it wants."""
    environment = {**os.environ, "STREAM_PORT": "many"}

    done = subprocess.run(
        [sys.executable, "-m", "webapp.stream"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert done.stderr.startswith("STREAM_PORT: got 'many'; ")
    assert done.stderr.count("\n") == 1
