import errno

import pytest

from ops import ports
from ops.ports import NoFreePort, WantedPort

WEB = WantedPort("WEB_PORT", "127.0.0.1", 8000)
STREAM = WantedPort("STREAM_PORT", "127.0.0.1", 8001)


@pytest.fixture
def failures(monkeypatch):
    """Say for which ports binding fails, and how."""
    found = {}
    monkeypatch.setattr(ports, "bind_error", lambda _host, port: found.get(port))
    return found


def test_free_ports_are_no_problem(failures):
    """The usual case says nothing."""
    assert ports.problems([WEB, STREAM]) == []
    assert not failures


@pytest.mark.parametrize(
    ("failure", "line"),
    [
        (errno.EADDRINUSE, "port 8001 on 127.0.0.1 is in use; STREAM_PORT moves it"),
        (errno.EACCES, "port 8001 is not open to this user; another can be set with STREAM_PORT"),
        (errno.EADDRNOTAVAIL, "BIND_ADDRESS: got '127.0.0.1'; want an address of this machine"),
    ],
)
def test_each_way_to_fail_has_its_own_sentence(failures, failure, line):
    """The line names the port and the variable that moves it."""
    failures[8001] = failure

    assert ports.problems([WEB, STREAM]) == [line]


def test_one_port_for_two_is_refused_by_both_names(failures):
    """Whoever starts second would fail, in the middle of the start."""
    twice = WantedPort("STREAM_PORT", "127.0.0.1", 8000)

    lines = ports.problems([WEB, twice])

    assert lines == ["port 8000 is asked for by WEB_PORT and STREAM_PORT; give each its own"]
    assert not failures


def test_a_wrong_address_is_said_once(failures):
    """Three ports on it are still one mistake."""
    failures.update({8000: errno.EADDRNOTAVAIL, 8001: errno.EADDRNOTAVAIL})

    assert len(ports.problems([WEB, STREAM])) == 1


def test_no_free_port_is_an_error_of_its_own(failures):
    """The start says so instead of trying for ever."""
    failures.update(dict.fromkeys(ports.FREE_PORTS, errno.EADDRINUSE))

    with pytest.raises(NoFreePort, match="none of 5 ports"):
        ports.free_port(attempts=5)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.9", "127.0.0.9"),
        ("::1", "::1"),
        ("0.0.0.0", "127.0.0.1"),
        ("192.168.1.5", "127.0.0.1"),
        ("localhost", "127.0.0.1"),
    ],
)
def test_only_loopback_addresses_pass_as_loopback(address, expected):
    """Embedded servers and Flower are never shown to the network."""
    assert ports.loopback(address) == expected


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
    ],
)
def test_addresses_are_printed_so_that_they_can_be_opened(host, address):
    """Nobody can open 0.0.0.0 everywhere."""
    assert ports.web_address(host, 80) == address
