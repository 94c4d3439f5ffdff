from __future__ import annotations

import pytest
from redis.backoff import NoBackoff
from redis.connection import UnixDomainSocketConnection

from cache.tiers.connections import CONNECTIONS, HEALTH_CHECK_S, Connector

BUDGET_S = 0.07
PLACES = ("redis://h:1/2", "rediss://h:1/2", "redis+sentinel://s:1,t:2/m/2", "rediss+sentinel://s:1/m")


@pytest.mark.parametrize("location", PLACES)
def test_every_wait_and_every_retry_is_chosen_and_not_left_to_the_library(location):
    """Its defaults are 5 s and ten retries."""
    client = Connector(location).connect(BUDGET_S)

    connection = client.connection_pool.make_connection()
    assert (connection.socket_timeout, connection.socket_connect_timeout) == (BUDGET_S, BUDGET_S)
    assert connection.retry.get_retries() == 0
    assert isinstance(connection.retry._backoff, NoBackoff)
    assert connection.retry_on_error == []
    assert connection.health_check_interval == HEALTH_CHECK_S
    assert connection.socket_keepalive is True
    assert client.connection_pool.max_connections == CONNECTIONS


def test_a_socket_has_the_same_bounds():
    """As far as a socket has them."""
    connection = Connector("unix:///run/r.sock?db=3").connect(BUDGET_S).connection_pool.make_connection()

    assert isinstance(connection, UnixDomainSocketConnection)
    assert (connection.path, connection.db, connection.socket_timeout) == ("/run/r.sock", 3, BUDGET_S)
    assert connection.retry.get_retries() == 0


def test_no_address_can_lengthen_a_wait_or_change_the_protocol():
    """What redis-py reads from the query stands below what the cache depends on."""
    query = "socket_timeout=9&socket_connect_timeout=9&retry_on_timeout=yes&protocol=3&decode_responses=1"
    connection = Connector(f"redis://h/0?{query}").connect(BUDGET_S).connection_pool.make_connection()

    assert (connection.socket_timeout, connection.socket_connect_timeout) == (BUDGET_S, BUDGET_S)
    assert connection.retry.get_retries() == 0
    assert (connection.protocol, connection.encoder.decode_responses) == (2, False)


@pytest.mark.parametrize("location", PLACES[2:])
def test_asking_a_sentinel_is_bounded_as_well(location):
    """Each of them, and with what the address says for them."""
    client = Connector(f"{location}?sentinel_password=word").connect(BUDGET_S)

    for sentinel in client.connection_pool.sentinel_manager._clients:
        connection = sentinel.connection_pool.make_connection()
        assert (connection.socket_timeout, connection.socket_connect_timeout) == (BUDGET_S, BUDGET_S)
        assert connection.retry.get_retries() == 0
        assert sentinel.connection_pool.connection_kwargs["password"] == "word"  # noqa: S105 (made up here)
        assert connection.db == 0


def test_certificates_concern_the_sentinels_too():
    """One authority for all, as a deployment has it."""
    client = Connector("rediss+sentinel://:pw@s:1/m/2?ssl_ca_certs=/ca.pem").connect(BUDGET_S)

    pools = [one.connection_pool for one in client.connection_pool.sentinel_manager._clients]
    for pool in (client.connection_pool, *pools):
        assert pool.make_connection().ca_certs == "/ca.pem"
    assert client.connection_pool.connection_kwargs["password"] == "pw"  # noqa: S105 (made up here)
    assert "password" not in pools[0].connection_kwargs


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("redis://:secret@h/0?nope=1", "an option that is not known"),
        ("redis+sentinel://:secret@h:1?x=1", "the name of their master"),
        ("redis+sentinel://:secret@/m", "want Sentinels"),
        ("http://:secret@h", "schemes"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_at_once_without_its_password(location, words):
    """Not by the first call, which must not raise."""
    with pytest.raises(ValueError, match=words) as caught:
        Connector(location).connect(BUDGET_S)

    assert "secret" not in str(caught.value)
