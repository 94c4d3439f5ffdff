"""Clients of Redis: plain, TLS, over a socket, or of whichever server the Sentinels call master."""

from __future__ import annotations

import time
from contextlib import suppress
from socket import SHUT_RDWR
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qsl, urlencode, urlsplit
from weakref import WeakSet

from redis import ConnectionPool, Redis, SSLConnection
from redis.backoff import NoBackoff
from redis.connection import UnixDomainSocketConnection, parse_url
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, SentinelConnectionPool, SentinelManagedConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CONNECTIONS = 512
READ_SIZE = 256 * 1024
HEALTH_CHECK_S = 15
SENTINEL_PORT = 26379
LOOK_BUDGET_S = 0.1
_BEHIND_SENTINELS = {"redis+sentinel": "redis", "rediss+sentinel": "rediss"}
Address = tuple[str, int]


class Connector:
    """Makes clients of one Redis, each with a pool of its own.

    `location` is a URL as redis-py reads it, or
    `redis+sentinel://login@host:port,host:port/master/database?sentinel_password=...` (`rediss+sentinel`
    for TLS to both). Raises ValueError, in words that repeat nothing of it, where it cannot be used.
    `on_moved` is told in words when the Sentinels name another master than before.
    """

    def __init__(self, location: str, *, on_moved: Callable[[object], None] | None = None) -> None:
        # Celery's spelling of a socket is understood as well.
        location = location.replace("redis+socket://", "unix://", 1)
        self._master = ""
        self._sentinels: tuple[Address, ...] = ()
        self._asking: dict[str, Any] = {}
        if location.partition("://")[0] in _BEHIND_SENTINELS:
            location = self._read_sentinels(location)
        self._options = _parsed(location)
        self._on_moved = on_moved
        self._address: Address | None = None
        self._connections: WeakSet[_Master] = WeakSet()
        self._lock = Lock()
        self._watch = self._asked_within(LOOK_BUDGET_S) if self._master else None

    def connect(self, budget_s: float) -> Redis:
        """A client whose every wait is bounded by `budget_s`; nothing is retried."""
        options = {**self._options, **_bounds(budget_s)}
        pool = self._following(options, budget_s) if self._master else ConnectionPool(**_carried(options))
        try:
            pool.connection_class(**pool.connection_kwargs)
        except TypeError:
            # Else it would be found out by the first call, which must not raise.
            raise ValueError("the address of Redis has an option that is not known") from None
        return Redis(connection_pool=pool)

    def look(self) -> None:
        """Ask the Sentinels who is master now; not for a caller's thread.

        A replica can be promoted while its master is well. That one goes on taking writes for ten
        seconds or so, and all of them are lost.
        """
        if self._watch is not None:
            # None of them can say: then nothing has changed.
            with suppress(MasterNotFoundError):
                self._watch.discover_master(self._master)

    def named(self, address: Address) -> None:
        """The Sentinels named this master: no connection to another may be used any more."""
        with self._lock:
            before, self._address = self._address, address
            others = [one for one in self._connections if (one.host, one.port) != address]
        for connection in others:
            connection.cut()
        if before not in (None, address) and self._on_moved is not None:
            self._on_moved(f"the master is now {address[0]}:{address[1]}")

    def connected(self, connection: _Master) -> bool:
        """Keep an eye on this connection; False when another master has been named meanwhile."""
        with self._lock:
            self._connections.add(connection)
            return (connection.host, connection.port) == self._address

    def _following(self, options: dict[str, Any], budget_s: float) -> SentinelConnectionPool:
        options = {name: value for name, value in options.items() if name not in {"host", "port"}}
        tls = options.pop("connection_class", None) is SSLConnection
        return SentinelConnectionPool(  # type: ignore[no-untyped-call]  # redis-py is typed in parts
            self._master,
            self._asked_within(budget_s),
            connection_class=_MasterOverTls if tls else _Master,
            **options,
        )

    def _asked_within(self, budget_s: float) -> Sentinels:
        return Sentinels(self, self._sentinels, {**self._asking, **_bounds(budget_s)}, budget_s)

    def _read_sentinels(self, location: str) -> str:
        """Keep what concerns the Sentinels; the rest as the URL of one server, whose host is not used."""
        parts = urlsplit(location)
        login, at, hosts = parts.netloc.rpartition("@")
        self._sentinels = tuple(_host_and_port(host) for host in hosts.split(",") if host)
        self._master, _, database = parts.path.strip("/").partition("/")
        if not (self._master and self._sentinels):
            raise ValueError("want Sentinels as host:port,host:port and the name of their master")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        own = {name: query.pop(f"sentinel_{name}", None) for name in ("username", "password")}
        scheme, asked = _BEHIND_SENTINELS[parts.scheme], urlencode(query)
        shared = _parsed(f"{scheme}://localhost?{asked}")
        shared.pop("db", None)
        self._asking = {**shared, **{name: value for name, value in own.items() if value}}
        return f"{scheme}://{login}{at}localhost/{database}?{asked}"


class Sentinels:
    """Knows who is the master; the Sentinel that answered last is asked first.

    Asking costs at most the budget: one that is frozen goes to the end of the row, for the next time.
    """

    def __init__(
        self,
        connector: Connector,
        addresses: tuple[Address, ...],
        options: Mapping[str, Any],
        budget_s: float,
    ) -> None:
        self.connector = connector
        self._budget_s = budget_s
        self._clients = tuple(
            Redis(
                connection_pool=ConnectionPool(
                    **{**options, "host": host, "port": port, "decode_responses": True}
                )
            )
            for host, port in addresses
        )

    def discover_master(self, name: str) -> Address:
        """The address of the master of that name; raises MasterNotFoundError."""
        deadline = time.monotonic() + self._budget_s
        refusals = []
        for client in self._clients:
            try:
                found: Any = client.sentinel_get_master_addr_by_name(name)
            except (RedisError, OSError) as error:
                refusals.append(str(error) or type(error).__name__)
            else:
                if found:
                    address = (str(found[0]), int(found[1]))
                    self.connector.named(address)
                    return address
                refusals.append(f"it knows no master named {name}")
            self._put_last(client)
            if time.monotonic() >= deadline:
                break
        raise MasterNotFoundError(f"no Sentinel names a master: {'; '.join(refusals)}")

    def doubt(self) -> None:
        """The first one named a server that is no master: ask another next."""
        self._put_last(self._clients[0])

    def _put_last(self, client: Redis) -> None:
        # Always a permutation, whichever threads do this at once.
        self._clients = (*(other for other in self._clients if other is not client), client)


class _Master(SentinelManagedConnection):  # redis-py is typed in parts: hence the ignores
    """A connection to the present master: asked for at every connect, and asked itself if it is one."""

    def connect_to(self, address: Address) -> None:
        """Connect; raises ConnectionError where a replica answers, which could only serve old entries."""
        super().connect_to(address)  # type: ignore[no-untyped-call]
        sentinels = self.connection_pool.sentinel_manager
        self.send_command("ROLE")  # type: ignore[no-untyped-call]
        if self.read_response()[0] != b"master":
            sentinels.doubt()
            self._give_up("the server that the Sentinels name is no master")
        if not sentinels.connector.connected(self):
            self._give_up("another master was named meanwhile")

    def cut(self) -> None:
        """End it, in whichever thread it is waiting: that one sees the connection closed."""
        sock: Any = self._sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(SHUT_RDWR)

    def _give_up(self, why: str) -> NoReturn:
        self.disconnect()  # type: ignore[no-untyped-call]
        raise RedisConnectionError(why)


class _MasterOverTls(_Master, SSLConnection):
    """The same, encrypted."""


def _bounds(budget_s: float) -> dict[str, Any]:
    """What no address may change: redis-py's defaults would wait for seconds and try ten times."""
    return {
        "max_connections": CONNECTIONS,
        "socket_timeout": budget_s,
        "socket_connect_timeout": budget_s,
        "socket_keepalive": True,
        "socket_read_size": READ_SIZE,
        "health_check_interval": HEALTH_CHECK_S,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_timeout": False,
        "retry_on_error": [],
        "protocol": 2,
        "decode_responses": False,
    }


def _parsed(url: str) -> dict[str, Any]:
    options: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]  # redis-py is typed in parts
    return options


def _carried(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that this kind of connection has; a socket has no keepalive."""
    if options.get("connection_class") is not UnixDomainSocketConnection:
        return dict(options)
    tcp = {"socket_connect_timeout", "socket_keepalive"}
    return {name: value for name, value in options.items() if name not in tcp}


def _host_and_port(server: str) -> Address:
    host, colon, port = server.rpartition(":")
    if server.endswith("]") or not colon:
        return server.strip("[]"), SENTINEL_PORT
    return host.strip("[]"), int(port)
