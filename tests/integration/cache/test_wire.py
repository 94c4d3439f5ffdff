"""The batch parser against every way in which an answer can arrive."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from pymemcache.exceptions import MemcacheUnknownError

from cache.tiers.wire import BatchClient

pytestmark = pytest.mark.integration

KEYS = [b"a", b"bb", b"ccc"]
BODIES = {
    "plain": [b"1", b"2", b"3"],
    "misses": [None, b"2", None],
    "nothing": [None, None, None],
    "empty": [b"", b"", b""],
    "looks like a value": [b"\r\nVALUE bb 0 1\r\nx", b"2", b"VALUE a 0 1\r\n"],
    "looks like the end": [b"END\r\n", b"x\r\nEND\r\n", b"\r\nEND\r\n"],
    "large": [b"x" * 70_000, b"\r\n" * 40_000, b"y"],
}


def answer(bodies):
    """What Memcached sends for these bodies."""
    parts = [
        b"VALUE %s 0 %d\r\n%s\r\n" % (key, len(body), body)
        for key, body in zip(KEYS, bodies, strict=True)
        if body is not None
    ]
    return b"".join(parts) + b"END\r\n"


@pytest.fixture
def line():
    """A client of ours and the other end of its socket."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = BatchClient(server.getsockname(), connect_timeout=1, timeout=1)
        client._connect()
        theirs, _ = server.accept()
    yield client, theirs
    client.close()
    theirs.close()


def send_in_parts(theirs, body, cuts):
    """Send a body, a moment's pause at each cut, on a thread of its own."""

    def run():
        start = 0
        for cut in (*cuts, len(body)):
            theirs.sendall(body[start:cut])
            start = cut

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.parametrize("name", BODIES)
def test_every_answer_is_read_wherever_it_is_cut(line, name):
    """In one part, or in two that meet anywhere near its ends and its headers."""
    client, theirs = line
    whole = answer(BODIES[name])
    cuts = [*range(1, min(len(whole), 60)), *range(max(1, len(whole) - 12), len(whole))]

    for cut in [(), *((one,) for one in cuts)]:
        thread = send_in_parts(theirs, whole, cut)
        assert client.fetch_batch(KEYS, time.monotonic() + 5) == BODIES[name]
        thread.join()
        theirs.recv(1 << 16)


def test_an_answer_that_is_none_is_refused_at_once(line):
    """It is not waited for to the end of the budget."""
    client, theirs = line
    theirs.sendall(b"SERVER_ERROR out of memory\r\n")

    with pytest.raises(MemcacheUnknownError):
        client.fetch_batch(KEYS, time.monotonic() + 60)


def test_a_server_that_does_not_answer_costs_the_budget(line):
    """And no more."""
    client, _ = line
    started = time.monotonic()

    with pytest.raises(TimeoutError):
        client.fetch_batch(KEYS, time.monotonic() + 0.05)

    assert time.monotonic() - started < 0.5


def test_a_server_that_reads_slowly_costs_the_budget(line):
    """However many parts the kernel takes of what is sent, there is one end for all."""
    client, theirs = line
    done = threading.Event()

    def read_slowly():
        while not done.wait(0.03):
            theirs.recv(16_384)

    thread = threading.Thread(target=read_slowly)
    thread.start()
    items = [(b"k%d" % number, bytes(990_000), 60) for number in range(4)]

    started = time.monotonic()

    with pytest.raises(TimeoutError):
        client.store_batch(b"set", items, time.monotonic() + 0.1)
    took_s = time.monotonic() - started
    done.set()
    thread.join()

    assert took_s < 1.0
