"""Claims about the addresses of Redis: both clients reach the same place, and no password is told."""

from __future__ import annotations

import pytest
from kombu import Connection
from kombu.transport.redis import Channel
from redis import ConnectionPool

from addresses import parse_redis


class UnconnectedChannel(Channel):
    """Works out where it would connect to, and does not."""

    def __init__(self, connection: object) -> None:
        self.connection = connection
        self._registered = False

    def __del__(self) -> None:
        """Let go of nothing: there is no connection."""


def celery_goes_to(url: str) -> dict[str, object]:
    """Where Celery's transport would connect to."""
    where: dict[str, object] = UnconnectedChannel(Connection(url).transport)._connparams()
    return where


def redis_goes_to(url: str) -> dict[str, object]:
    """Where redis-py would connect to."""
    return ConnectionPool.from_url(url).connection_kwargs


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://h:7/3", {"host": "h", "port": 7, "db": 3}),
        ("redis://h:7/3?protocol=2", {"host": "h", "port": 7, "db": 3}),
        ("redis://h:7/3?db=4", {"host": "h", "port": 7, "db": 4}),
        ("redis://[::1]:7/3", {"host": "::1", "port": 7, "db": 3}),
        ("redis://me:a%2Fb%40c@h:7/3", {"username": "me", "password": "a/b@c", "host": "h", "db": 3}),
        ("rediss://h:7/3?ssl_ca_certs=/etc/ca.pem", {"host": "h", "db": 3, "ssl_ca_certs": "/etc/ca.pem"}),
        ("unix:///run/a%20b.sock?db=3", {"path": "/run/a b.sock", "db": 3}),
        ("unix://me:a%2Fb@/run/r.sock?db=3", {"path": "/run/r.sock", "password": "a/b", "db": 3}),
        ("redis+socket:///run/r.sock?virtual_host=3", {"path": "/run/r.sock", "db": 3}),
    ],
)
def test_both_clients_understand_the_same_place(url: str, place: dict[str, object]) -> None:
    """Whichever of the two spellings the operator knows."""
    address = parse_redis(url)

    assert redis_goes_to(address.for_redis()).items() >= place.items()
    assert celery_goes_to(address.for_celery()).items() >= place.items()
    assert celery_goes_to(address.for_celery(1))["db"] == 1
    assert parse_redis(address.for_celery(1)).for_celery() == address.for_celery(1)


@pytest.mark.parametrize("url", ["redis://h", "redis://h/", "redis://h:1/2", "unix:///run/r.sock"])
def test_an_address_without_oddities_stays_as_it_was_written(url: str) -> None:
    """What the operator reads in a log is what was set."""
    assert parse_redis(url).for_redis() == url.rstrip("/")


def test_certificates_are_looked_at_unless_the_address_says_no() -> None:
    """Celery alone would trust anybody; both clients are to do the same."""
    assert parse_redis("rediss://h:1/0").for_celery(1) == "rediss://h:1/1?ssl_cert_reqs=required"
    assert parse_redis("rediss://h:1/0?ssl_cert_reqs=none").for_celery(1) == (
        "rediss://h:1/1?ssl_cert_reqs=none"
    )


def test_behind_sentinels_celery_is_told_the_same_in_its_own_way() -> None:
    """A URL for each Sentinel, and the rest beside it."""
    address = parse_redis(
        "rediss+sentinel://me:a%2Fb@s:1,t/mymaster/3?sentinel_password=c%40d&ssl_ca_certs=/ca.pem"
    )

    assert address.for_celery() == "sentinel://me:a%2Fb@s:1/3;sentinel://me:a%2Fb@t/3"
    assert parse_redis(address.for_broker(1)).for_celery() == (
        "sentinel://me:a%2Fb@s:1/1;sentinel://me:a%2Fb@t/1"
    )
    tls = {"ssl_cert_reqs": "required", "ssl_ca_certs": "/ca.pem"}
    assert address.celery_tls() == tls
    assert address.celery_transport(socket_timeout=5) == {
        "master_name": "mymaster",
        "sentinel_kwargs": {"socket_timeout": 5, "ssl": True, "password": "c@d", **tls},
    }
    assert address.sentinels() == (("s", 1), ("t", 26379))
    assert address.for_server("::1", 5) == "rediss://me:a%2Fb@[::1]:5/3?ssl_ca_certs=/ca.pem"


@pytest.mark.parametrize("url", ["redis://h/0", "rediss://h/0", "unix:///run/r.sock"])
def test_without_sentinels_celery_is_told_nothing_beside_the_address(url: str) -> None:
    """It says all."""
    address = parse_redis(url)

    assert (address.master, address.sentinels()) == ("", ())
    assert (address.celery_transport(socket_timeout=5), address.celery_tls()) == ({}, {})


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://me:hun%2Fter2@h:1/0", "redis://h:1/0"),
        ("rediss://me:pw@h:1/0?ssl_ca_certs=/ca.pem", "rediss://h:1/0?ssl_ca_certs=/ca.pem"),
        ("redis+sentinel://:pw@s:1,t:2/m/0?sentinel_password=word", "redis+sentinel://s:1,t:2/m/0"),
        ("unix://me:pw@/run/r.sock?db=1", "unix:///run/r.sock?db=1"),
    ],
)
def test_a_shown_address_has_neither_user_nor_password(url: str, shown: str) -> None:
    """And all else, so that it can be recognised."""
    assert parse_redis(url).shown() == shown


def test_every_password_is_known_as_it_is_written_and_as_it_is_meant() -> None:
    """Both must vanish from the log."""
    address = parse_redis("redis+sentinel://:a%2Fb@s:1/m/0?sentinel_password=c%40d")

    assert set(address.secrets()) == {"a%2Fb", "a/b", "c%40d", "c@d"}


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis+sentinel://:hunter2@h:1", "want Sentinels as redis+sentinel://host:port"),
        ("redis+sentinel://:hunter2@h:1,:2/m", "want a host"),
        ("redis+sentinel://:hunter2@h:1,i:0/m", "want a host, and a port from 1"),
        ("redis+sentinel://:hunter2@h:1,i:x/m", "want a port from 1"),
        ("redis+sentinel://:hunter2@h:1/m/first", "want the number of a database"),
        ("redis+sentinel://:hun/ter2@h:1/m", "percent-encoded"),
        ("http://:hunter2@h:1/0", "starts with redis://"),
        ("redis:hunter2", "starts with redis://"),
        ("redis://:hun/ter2@h:1/0", "characters of the password must be percent-encoded"),
        ("redis://:hun#ter2@h:1/0", "characters of the password must be percent-encoded"),
        ("redis://:hun?ter2@h:1/0", "characters of the password must be percent-encoded"),
        ("redis://:hun[ter2@h:1/0", "characters of the password must be percent-encoded"),
        ("redis://:12/hunter2@h:1/0", "characters of the password must be percent-encoded"),
        ("redis://:12#hunter2@h:1/0", "characters of the password must be percent-encoded"),
        ("redis://me:12/hunter2", "want the number of a database"),
        ("redis://:hunter2@/0", "want a host"),
        ("redis://:hunter2@h:0/0", "want a host, and a port from 1"),
        ("redis://:hunter2@h:65536/0", "want a port from 1 to 65535"),
        ("redis://:hunter2@h:port/0", "want a port from 1 to 65535"),
        ("redis://:hunter2@h:1/first", "want the number of a database"),
        ("redis://:hunter2@h:1/0?db=x", "want the number of a database"),
        ("redis://:hunter2@h:1/0\n", "without spaces"),
        ("redis://:hunter2 @h:1/0", "without spaces"),
        ("rediss://:hunter2@h:1/0?ssl_cert_reqs=CERT_NONE", "ssl_cert_reqs of required, optional, none"),
        ("unix://:hunter2@", "want a socket as unix:///path/to/socket"),
        ("unix://:hunter2@run/redis.sock", "want a socket as unix:///path/to/socket"),
        ("unix://:hun/ter2@/run/redis.sock", "percent-encoded"),
    ],
)
def test_what_cannot_be_read_is_refused_without_a_letter_of_it(url: str, words: str) -> None:
    """Error lines end in logs, and the part that was misread is often half a password."""
    with pytest.raises(ValueError, match="want") as caught:
        parse_redis(url)

    assert words in str(caught.value)
    assert not any(part in str(caught.value) for part in ("hun", "ter2", "\n"))
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
