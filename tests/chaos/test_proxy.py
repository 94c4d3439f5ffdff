from __future__ import annotations

import socket
import socketserver
import threading
import time

import pytest

from tests.support.proxy import Proxy

pytestmark = pytest.mark.integration

# How long silence must last to count as silence, and a delay that no busy machine makes by itself.
SILENCE_S = 0.3


class _Echo(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            while body := self.request.recv(4096):
                self.request.sendall(body)
        except OSError:
            return


@pytest.fixture
def proxy():
    """A proxy with two doors before a server that repeats what it is told."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        made = Proxy(*server.server_address, doors=2)
        yield made
        made.close()
        server.shutdown()


def connected(proxy, door=0):
    """A connection through a door that is known to work."""
    client = socket.create_connection(("127.0.0.1", proxy.ports[door]), timeout=5.0)
    assert said(client, b"hello") == b"hello"
    return client


def said(client, body, within_s=5.0):
    """What comes back for `body`; empty when nothing does in time."""
    client.settimeout(within_s)
    client.sendall(body)
    try:
        return client.recv(4096)
    except TimeoutError:
        return b""


def test_what_is_delayed_arrives_later(proxy):
    """In each direction, so an answer takes twice as long."""
    with connected(proxy) as client:
        proxy.delay(0.15)
        began = time.monotonic()

        assert said(client, b"slow") == b"slow"
        assert time.monotonic() - began >= 0.3


def test_a_trickle_lets_few_bytes_through_at_a_time(proxy):
    """The first bytes come without the rest."""
    with connected(proxy) as client:
        proxy.trickle(1_000)

        assert len(said(client, b"x" * 200)) < 200


def test_half_open_accepts_and_swallows(proxy):
    """Old and new connections stand, and nothing comes back on either; healing resets them."""
    with connected(proxy) as old:
        proxy.half_open()
        with socket.create_connection(("127.0.0.1", proxy.ports[0]), timeout=5.0) as new:
            assert said(old, b"lost", SILENCE_S) == b""
            assert said(new, b"lost", SILENCE_S) == b""

            proxy.heal()
            with pytest.raises(ConnectionResetError):
                new.recv(1)
            connected(proxy).close()


def test_reset_resets_what_there_is_and_what_comes(proxy):
    """With RST, not FIN; after healing all is well."""
    with connected(proxy) as client:
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            client.recv(1)

        proxy.heal()
        connected(proxy).close()


def test_refuse_refuses_until_healed_on_the_same_port(proxy):
    """Nobody listens in between."""
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxy.ports[0]), timeout=5.0)

    proxy.heal()
    connected(proxy).close()


def test_a_fault_can_be_confined_to_a_door(proxy):
    """Who comes through the other notices nothing."""
    with connected(proxy, 0) as broken, connected(proxy, 1) as sound:
        proxy.half_open(doors=(0,))

        assert said(sound, b"here") == b"here"
        assert said(broken, b"lost", SILENCE_S) == b""


def test_only_subscriptions_can_be_cut_or_silenced(proxy):
    """They are known by the word SUBSCRIBE; the others pass."""
    with connected(proxy) as other, connected(proxy) as subscribed:
        said(subscribed, b"SUBSCRIBE changes")
        proxy.silence_subscriptions()
        assert said(subscribed, b"lost", SILENCE_S) == b""
        assert said(other, b"here") == b"here"

        assert proxy.cut_subscriptions() == 1
        with pytest.raises(ConnectionResetError):
            subscribed.recv(1)
        assert said(other, b"still") == b"still"


def test_everything_can_be_cut_once(proxy):
    """New connections pass at once."""
    with connected(proxy) as client:
        assert proxy.cut() == 1
        with pytest.raises(ConnectionResetError):
            client.recv(1)

        connected(proxy).close()
