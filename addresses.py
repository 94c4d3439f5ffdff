"""Addresses of Redis: read once, told apart, and spelled as each of the two clients wants them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

_SCHEMES = ("redis", "rediss", "unix", "redis+socket")
_SOCKETS = ("unix", "redis+socket")
_CERTIFICATES = ("required", "optional", "none")
_DATABASE_OPTIONS = ("db", "virtual_host")
_ENCODE = "characters of the password must be percent-encoded"


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """A Redis address in its parts; `login_and_host` and `path` are kept as they were written.

    `database` is None where none is named.
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
        return _joined(self.scheme, self.login_and_host, path, self.options)

    def for_celery(self, database: int | None = None) -> str:
        """The address as Celery's transport reads it, with that database where one is given."""
        chosen = self.database if database is None else database
        if self.scheme in _SOCKETS:
            only = (("virtual_host", str(chosen or 0)),)
            return _joined("redis+socket", self.login_and_host, self.path, only)
        # Anything else in the query, which redis-py may know, stops Celery's connection.
        options = tuple(option for option in self.options if option[0].startswith("ssl_"))
        if self.scheme == "rediss" and "ssl_cert_reqs" not in dict(options):
            # Celery's default is not to look at the certificate, redis-py's is to require a good one.
            options += (("ssl_cert_reqs", "required"),)
        path = "" if chosen is None else f"/{chosen}"
        return _joined(self.scheme, self.login_and_host, path, options)


def parse_redis(url: str) -> RedisAddress:
    """Take an address apart; raises ValueError with a sentence that repeats nothing of it."""
    scheme, colon, _ = url.partition("://")
    if not colon or scheme not in _SCHEMES:
        raise ValueError("want a URL that starts with redis://, rediss://, unix:// or redis+socket://")
    if any(letter.isspace() or not letter.isprintable() for letter in url):
        raise ValueError("want a URL without spaces and control characters")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        # The parser's own words hold the part that it took for the port: often one of the password.
        raise ValueError(f"want a port from 1 to 65535; {_ENCODE}") from None
    if parts.fragment or "@" in parts.path + parts.query:
        raise ValueError(f"want nothing after a #, and no @ after the host; {_ENCODE}")
    options = tuple(parse_qsl(parts.query, keep_blank_values=True))
    if dict(options).get("ssl_cert_reqs", "none") not in _CERTIFICATES:
        raise ValueError(f"want an ssl_cert_reqs of {', '.join(_CERTIFICATES)}")
    login, at, host_part = parts.netloc.rpartition("@")
    if scheme in _SOCKETS:
        if host_part or len(parts.path) < 2:  # noqa: PLR2004 - a slash and a name
            raise ValueError(f"want a socket as unix:///path/to/socket; {_ENCODE}")
        return RedisAddress(scheme, login + at, parts.path, _database("", options), _others(options))
    if host is None or port == 0:
        raise ValueError(f"want a host, and a port from 1 to 65535 if any; {_ENCODE}")
    database = _database(parts.path.strip("/"), options)
    return RedisAddress(scheme, parts.netloc, "", database, _others(options))


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
