"""The part of the settings that names servers: Redis, the broker, Memcached."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

from addresses import netloc, parse_redis, sentinel_url, server_url, with_ca

BROKER_DATABASE = 1
LOCALHOST = "127.0.0.1"
LAST_PORT = 65535
Port = Annotated[int, Field(ge=1, le=LAST_PORT)]
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]+$")]
Names = Annotated[tuple[str, ...], NoDecode]


class ServerSettings(BaseSettings):
    """Which servers there are, and how they are reached; anything not named is None or empty."""

    redis_host: Host | None = None
    redis_port: Port | None = None
    redis_url: str | None = Field(None, repr=False)
    redis_username: str | None = None
    redis_password: str | None = Field(None, repr=False)
    redis_tls: bool = False
    redis_ca_file: Path | None = None
    redis_sentinels: Names = ()
    redis_sentinel_master: str = Field("mymaster", pattern=r"^[A-Za-z0-9_.-]+$")
    redis_sentinel_username: str | None = None
    redis_sentinel_password: str | None = Field(None, repr=False)
    broker_url: str | None = Field(None, repr=False)
    memcached_host: Host | None = None
    memcached_port: Port | None = None
    memcached_servers: Names = ()

    @field_validator("memcached_servers", "redis_sentinels", mode="before")
    @classmethod
    def _split_servers(cls, value: Any) -> Any:
        return split_names(value)

    @field_validator("memcached_servers", "redis_sentinels")
    @classmethod
    def _host_and_port(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for server in value:
            host, colon, port = server.rpartition(":")
            if not (host and colon and port.isascii() and port.isdigit() and 0 < int(port) <= LAST_PORT):
                raise ValueError("want host:port, separated by commas")
        return value

    @field_validator("redis_url", "broker_url")
    @classmethod
    def _redis_address(cls, value: str | None) -> str | None:
        ca_file = None if value is None else dict(parse_redis(value).options).get("ssl_ca_certs")
        if ca_file is not None:
            _readable(Path(ca_file), "an ssl_ca_certs that can be read")
        return value

    @field_validator("redis_ca_file")
    @classmethod
    def _ca_file(cls, value: Path | None) -> Path | None:
        if value is not None:
            _readable(value, "a file of certificates in PEM form that can be read")
        return value

    def named_twice(self) -> str | None:
        """What is wrong with how Redis is named, or None."""
        others = [name for name in ("redis_url", "redis_host") if getattr(self, name)]
        if not (self.redis_sentinels and others):
            return None
        named = f"REDIS_SENTINELS: got {','.join(self.redis_sentinels)!r} beside {others[0].upper()}"
        return f"{named}; want one of the two, since each names the cache's Redis"

    def redis_location(self) -> str | None:
        """The URL of the cache's Redis as redis-py spells it, or None when none is named.

        With Sentinels it is `redis+sentinel://host:port,host:port/master/0`.
        """
        found = self._named_redis()
        return None if found is None else self._trusting(parse_redis(found).for_redis())

    def broker_location(self) -> str | None:
        """The URL of the broker's Redis: its own, or database 1 beside the cache.

        As Celery spells it, except for Sentinels, of which Celery wants more than a URL.
        """
        if self.broker_url:
            own = parse_redis(self._trusting(self.broker_url))
            return own.for_redis() if own.master else own.for_celery()
        location = self.redis_location()
        return None if location is None else parse_redis(location).for_broker(BROKER_DATABASE)

    def _named_redis(self) -> str | None:
        login = {"username": self.redis_username, "password": self.redis_password}
        if self.redis_sentinels:
            return sentinel_url(
                self.redis_sentinels,
                self.redis_sentinel_master,
                tls=self.redis_tls,
                **login,
                sentinel_username=self.redis_sentinel_username,
                sentinel_password=self.redis_sentinel_password,
            )
        if self.redis_url:
            return self.redis_url
        if not (self.redis_host or self.redis_port):
            return None
        server = netloc(self.redis_host or LOCALHOST, self.redis_port or 6379)
        return server_url(server, tls=self.redis_tls, **login)

    def _trusting(self, url: str) -> str:
        return url if self.redis_ca_file is None else with_ca(url, str(self.redis_ca_file.absolute()))

    def memcached_locations(self) -> tuple[str, ...]:
        """The Memcached servers as host:port, empty when none is named."""
        if self.memcached_servers or not (self.memcached_host or self.memcached_port):
            return self.memcached_servers
        return (netloc(self.memcached_host or LOCALHOST, self.memcached_port or 11211),)


def split_names(value: Any) -> Any:
    """The names in a text, separated by commas, without repeats; anything else as it is."""
    if not isinstance(value, str):
        return value
    return tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))


def _readable(path: Path, wanted: str) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise ValueError(f"want {wanted} ({error.strerror})") from None
