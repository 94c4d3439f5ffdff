"""Addresses and ports: what is loopback, what is free, what is taken."""

from __future__ import annotations

import errno
import ipaddress
import random
import socket
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Below the range from which systems take the source ports of outgoing connections: a server that
# restarts on its old port must not find it lent to a client in the meantime.
FREE_PORTS = range(20_000, 32_000)
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


@dataclass(frozen=True, slots=True)
class WantedPort:
    """A port that is about to be listened on, and the variable that moves it."""

    variable: str
    host: str
    port: int


class NoFreePort(Exception):
    """Every port that was tried is taken."""


def loopback(address: str) -> str:
    """Return the address itself if it is on loopback, else 127.0.0.1."""
    try:
        return address if ipaddress.ip_address(address).is_loopback else "127.0.0.1"
    except ValueError:
        return "127.0.0.1"


def reachable(address: str) -> str:
    """Return an address on which a local client reaches what listens on `address`."""
    return _ANYWHERE.get(address, address)


def web_address(host: str, port: int) -> str:
    """Return the URL a person on this machine types, without a path."""
    host = reachable(host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def free_port(host: str = "127.0.0.1", *, attempts: int = 200) -> int:
    """Return a port on which nobody listens now; raises NoFreePort after that many attempts."""
    # The system's chance: a seed that somebody set would give two starts at one moment the same ports.
    for port in random.SystemRandom().sample(FREE_PORTS, attempts):
        if bind_error(host, port) is None:
            return port
    raise NoFreePort(f"none of {attempts} ports between {FREE_PORTS.start} and {FREE_PORTS.stop} is free")


def bind_error(host: str, port: int) -> int | None:
    """Return the errno with which binding to the port fails, or None where it can be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # What a closed connection left in TIME_WAIT does not keep a server from its port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except socket.gaierror:
            return errno.EADDRNOTAVAIL
        except OSError as error:
            return error.errno
    return None


def problems(wanted: Iterable[WantedPort]) -> list[str]:
    """Return one sentence for each port that cannot be had, naming the variable that moves it."""
    wanted = list(wanted)
    users: defaultdict[int, list[str]] = defaultdict(list)
    for want in wanted:
        users[want.port].append(want.variable)
    lines = [
        f"port {port} is asked for by {' and '.join(names)}; give each its own"
        for port, names in users.items()
        if len(names) > 1
    ]
    for want in wanted:
        failure = bind_error(want.host, want.port)
        if failure is not None:
            lines.append(_sentence(want, failure))
    return list(dict.fromkeys(lines))


def _sentence(want: WantedPort, failure: int) -> str:
    if failure == errno.EADDRNOTAVAIL:
        return f"BIND_ADDRESS: got {want.host!r}; want an address of this machine"
    if failure == errno.EACCES:
        return f"port {want.port} is not open to this user; another can be set with {want.variable}"
    return f"port {want.port} on {want.host} is in use; {want.variable} moves it"
