"""Addresses of Redis: read once, told apart, and spelled as each of the two clients wants them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlencode, urlsplit

_SOCKETS = ("unix", "redis+socket")
_SENTINELS = ("redis+sentinel", "rediss+sentinel")
_SCHEMES = ("redis", "rediss", *_SOCKETS, *_SENTINELS)
_ENCRYPTED = ("rediss", "rediss+sentinel")
_SENTINEL_PORT = 26379
_CERTIFICATES = ("required", "optional", "none")
_DATABASE_OPTIONS = ("db", "virtual_host")
_ENCODE = "characters of the password must be percent-encoded"


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """A Redis address in its parts; `login_and_host` and `path` are kept as they were written.

    `database` is None where none is named. Behind Sentinels the hosts are theirs, and the path is the
    name of the master.
    """

    scheme: str
    login_and_host: str
    path: str
    database: int | None
    options: tuple[tuple[str, str], ...]

    def for_redis(self) -> str:
        """The address as redis-py reads it; a socket's database is `db` there."""
        if self.scheme in _SOCKETS:
            chosen = () if self.database is None else (("db", str(self.database)),)
            return _joined("unix", self.login_and_host, self.path, self.options + chosen)
        path = "" if self.database is None else f"/{self.database}"
        return _joined(self.scheme, self.login_and_host, self.path + path, self.options)

    def for_broker(self, database: int) -> str:
        """The address with that database, in a spelling that this module reads again."""
        if self.scheme in _SENTINELS:
            return replace(self, database=database).for_redis()
        return self.for_celery(database)

    def for_celery(self, database: int | None = None) -> str:
        """The address as Celery's transport reads it, with that database where one is given."""
        chosen = self.database if database is None else database
        if self.scheme in _SOCKETS:
            only = (("virtual_host", str(chosen or 0)),)
            return _joined("redis+socket", self.login_and_host, self.path, only)
        if self.scheme in _SENTINELS:
            login, at, hosts = self.login_and_host.rpartition("@")
            return ";".join(f"sentinel://{login}{at}{host}/{chosen or 0}" for host in hosts.split(","))
        # Anything else in the query, which redis-py may know, stops Celery's connection.
        options = tuple(option for option in self.options if option[0].startswith("ssl_"))
        if self.scheme == "rediss" and "ssl_cert_reqs" not in dict(options):
            # Celery's default is not to look at the certificate, redis-py's is to require a good one.
            options += (("ssl_cert_reqs", "required"),)
        path = "" if chosen is None else f"/{chosen}"
        return _joined(self.scheme, self.login_and_host, path, options)

    def celery_transport(self, **bounds: Any) -> dict[str, Any]:
        """What Celery's transport must be told beside the address; `bounds` are for asking the Sentinels."""
        if self.scheme not in _SENTINELS:
            return {}
        return {"master_name": self.master, "sentinel_kwargs": self.sentinel_options(**bounds)}

    def celery_tls(self) -> dict[str, str]:
        """What Celery must be told to encrypt the way to the master; empty where the address says it."""
        if self.scheme != "rediss+sentinel":
            return {}
        chosen = {name: value for name, value in self.options if name.startswith("ssl_")}
        return {"ssl_cert_reqs": "required", **chosen}

    @property
    def master(self) -> str:
        """The name under which the Sentinels know the master; empty without Sentinels."""
        return self.path.strip("/") if self.scheme in _SENTINELS else ""

    def sentinels(self) -> tuple[tuple[str, int], ...]:
        """Host and port of each Sentinel."""
        if self.scheme not in _SENTINELS:
            return ()
        parts = (urlsplit(f"//{host}") for host in self.login_and_host.rpartition("@")[2].split(","))
        return tuple((part.hostname or "", part.port or _SENTINEL_PORT) for part in parts)

    def sentinel_options(self, **bounds: Any) -> dict[str, Any]:
        """What a client that asks the Sentinels is made with: these bounds, login and certificates."""
        tls = {"ssl": True, **self.celery_tls()} if self.scheme in _ENCRYPTED else {}
        login = {
            name.removeprefix("sentinel_"): value
            for name, value in self.options
            if name in ("sentinel_username", "sentinel_password") and value
        }
        return {**bounds, **tls, **login}

    def for_server(self, host: str, port: int) -> str:
        """The address of one server behind the Sentinels, as redis-py reads it."""
        scheme = self.scheme.removesuffix("+sentinel")
        login, at, _ = self.login_and_host.rpartition("@")
        options = tuple(option for option in self.options if not option[0].startswith("sentinel_"))
        return _joined(scheme, f"{login}{at}{netloc(host, port)}", f"/{self.database or 0}", options)

    def secrets(self) -> tuple[str, ...]:
        """The passwords in it, as they are written and as they are meant."""
        password = self.login_and_host.rpartition("@")[0].partition(":")[2]
        forms = [password, unquote(password)]
        for name, value in self.options:
            if name.endswith("password"):
                forms += [quote_plus(value, safe="/:,"), value]
        return tuple(filter(None, forms))

    def shown(self) -> str:
        """The address without users and passwords, as redis-py spells it."""
        options = tuple(option for option in self.options if not option[0].endswith(("username", "password")))
        hosts = self.login_and_host.rpartition("@")[2]
        return replace(self, login_and_host=hosts, options=options).for_redis()


def server_url(
    server: str, *, tls: bool = False, username: str | None = None, password: str | None = None
) -> str:
    """The address of one server at host:port, database 0."""
    return f"{'rediss' if tls else 'redis'}://{_login(username, password)}{server}/0"


def sentinel_url(  # what the settings name, each by its own variable
    sentinels: tuple[str, ...],
    master: str,
    *,
    tls: bool = False,
    username: str | None = None,
    password: str | None = None,
    sentinel_username: str | None = None,
    sentinel_password: str | None = None,
) -> str:
    """The address of the master that these Sentinels (host:port) know by that name, database 0."""
    scheme = "rediss+sentinel" if tls else "redis+sentinel"
    named = {"sentinel_username": sentinel_username, "sentinel_password": sentinel_password}
    options = tuple((name, value) for name, value in named.items() if value)
    hosts = f"{_login(username, password)}{','.join(sentinels)}"
    return _joined(scheme, hosts, f"/{quote(master, safe='')}/0", options)


def with_ca(url: str, ca_file: str) -> str:
    """The address with the file of certificates to trust, where it is encrypted and names none itself."""
    address = parse_redis(url)
    if address.scheme not in _ENCRYPTED or "ssl_ca_certs" in dict(address.options):
        return url
    return replace(address, options=(*address.options, ("ssl_ca_certs", ca_file))).for_redis()


def netloc(host: str, port: int) -> str:
    """Host and port as an address writes them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _login(username: str | None, password: str | None) -> str:
    if not (username or password):
        return ""
    return f"{quote(username or '', safe='')}:{quote(password or '', safe='')}@"


def parse_redis(url: str) -> RedisAddress:
    """Take an address apart; raises ValueError with a sentence that repeats nothing of it."""
    scheme, colon, _ = url.partition("://")
    if not colon or scheme not in _SCHEMES:
        raise ValueError(
            "want a URL that starts with redis://, rediss://, unix:// or redis+socket:// "
            "(Sentinels: redis+sentinel:// or rediss+sentinel://)"
        )
    if any(letter.isspace() or not letter.isprintable() for letter in url):
        raise ValueError("want a URL without spaces and control characters")
    try:
        parts = urlsplit(url)
        login, at, hosts = parts.netloc.rpartition("@")
        named = [urlsplit(f"//{host}") for host in (hosts.split(",") if scheme in _SENTINELS else [hosts])]
        hostless = any(not one.hostname or one.port == 0 for one in named)
    except ValueError:
        # The parser's own words hold the part that it took for the port: often one of the password.
        raise ValueError(f"want a port from 1 to 65535; {_ENCODE}") from None
    if parts.fragment or "@" in parts.path + parts.query:
        raise ValueError(f"want nothing after a #, and no @ after the host; {_ENCODE}")
    options = tuple(parse_qsl(parts.query, keep_blank_values=True))
    if dict(options).get("ssl_cert_reqs", "none") not in _CERTIFICATES:
        raise ValueError(f"want an ssl_cert_reqs of {', '.join(_CERTIFICATES)}")
    if scheme in _SOCKETS:
        if hosts or len(parts.path) < 2:  # noqa: PLR2004 - a slash and a name
            raise ValueError(f"want a socket as unix:///path/to/socket; {_ENCODE}")
        return RedisAddress(scheme, login + at, parts.path, _database("", options), _others(options))
    if hostless:
        raise ValueError(f"want a host, and a port from 1 to 65535 if any; {_ENCODE}")
    master, number = _master_and_database(scheme, parts.path.strip("/"))
    return RedisAddress(scheme, parts.netloc, master, _database(number, options), _others(options))


def _master_and_database(scheme: str, path: str) -> tuple[str, str]:
    if scheme not in _SENTINELS:
        return "", path
    master, _, number = path.partition("/")
    if not master:
        raise ValueError("want Sentinels as redis+sentinel://host:port,host:port/name-of-the-master/0")
    return f"/{master}", number


def _database(named: str, options: tuple[tuple[str, str], ...]) -> int | None:
    for name, value in options:
        if name in _DATABASE_OPTIONS:
            named = value
    if not named:
        return None
    number = unquote(named)
    if not (number.isascii() and number.isdecimal()):
        raise ValueError(f"want the number of a database after the host, or nothing; {_ENCODE}")
    return int(number)


def _others(options: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple(option for option in options if option[0] not in _DATABASE_OPTIONS)


def _joined(scheme: str, login_and_host: str, path: str, options: tuple[tuple[str, str], ...]) -> str:
    query = urlencode(options, safe="/:,")
    return f"{scheme}://{login_and_host}{path}" + (f"?{query}" if query else "")
