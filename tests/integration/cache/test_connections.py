from __future__ import annotations

from dataclasses import replace

import pytest
from redis.exceptions import RedisError

from cache import Catalogue, TieredCache, make_tiers
from cache.tiers.connections import Connector
from ops.embedded import find_redis, launch_on_free_port, plan_redis
from tests.support import redis_servers
from tests.support.servers import RunningServer
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
def at(clock, chain, monkeypatch):
    """Makes caches of L1 and L3 at an address, as processes do, and closes them all."""
    monkeypatch.setattr("cache.tiers.redis.BUDGET_S", 0.5)
    made = []

    def start(location):
        tiers = make_tiers(clock=clock, redis_url=location, prefix="at")
        made.append(TieredCache(tiers=tiers, clock=clock, catalogue=Catalogue(chain)))
        return made[-1]

    yield start
    for cache in made:
        cache.close()


@pytest.fixture
def is_whole(at, chain):
    """Whether one cache's writes and expiries are what another reads and hears."""

    def ask(location):
        one, other, key = at(location), at(location), chain[0].key(name="a")
        for cache in (one, other):
            eventually(lambda cache=cache: cache.health()["coherence"] == "proved", within_s=10)
        stored = one.put(key, 1).tiers["l3"] == "stored"
        read = eventually(lambda: other.get(key), within_s=10).value == 1
        one.expire(key)
        return stored and read and eventually(lambda: other.get(key).state == "stale", within_s=10)

    return ask


def test_a_password_in_the_address_is_given(is_whole):
    """Percent-encoded as it must be in a URL."""
    with redis_servers.redis_with_password() as server:
        assert is_whole(f"{server.url}/0")


def test_a_user_who_may_touch_our_keys_and_channel_alone_is_enough(is_whole, own_redis):
    """The access list of docs/operations.md, word by word."""
    rules = "on >word ~{at}* &{at}* +@all -@admin -@dangerous +info"
    client = Connector(own_redis.url).connect(1)
    client.execute_command("ACL SETUSER", "cache", *rules.split())

    assert is_whole(f"redis://cache:word@{own_redis.address}/0")


def test_a_wrong_password_is_a_tier_that_is_down(at, chain):
    """Not an error of the caller's."""
    with redis_servers.redis_with_password() as server:
        cache, key = at(f"redis://:wrong@{server.address}/0"), chain[0].key(name="a")

        assert cache.put(key, 1).tiers["l3"] == "failed"
        assert cache.get(key).value == 1
        assert cache.health()["l3"] == "down"


def test_a_certificate_is_trusted_by_its_authority_alone():
    """The file comes in the address; without it the certificate is refused, unless none is wanted."""
    with redis_servers.redis_with_tls() as server:
        trusting = Connector(f"{server.url}/0?ssl_ca_certs={server.authority}").connect(0.5)
        careless = Connector(f"{server.url}/0?ssl_cert_reqs=none&ssl_check_hostname=false").connect(0.5)
        strict = Connector(f"{server.url}/0").connect(0.5)

        assert trusting.ping()
        assert careless.ping()
        with pytest.raises(RedisError, match="CERTIFICATE_VERIFY_FAILED"):
            strict.ping()


def test_the_whole_cache_works_over_tls(is_whole):
    """Both pools and the subscription."""
    with redis_servers.redis_with_tls() as server:
        assert is_whole(f"{server.url}/0?ssl_ca_certs={server.authority}")


@pytest.mark.parametrize("scheme", ["unix", "redis+socket"])
def test_the_whole_cache_works_over_a_socket(is_whole, tmp_path, scheme):
    """In either client's spelling."""
    path = tmp_path / "redis.sock"

    def plan(port):
        made = plan_redis(binary=find_redis(), host="127.0.0.1", port=port, folder=tmp_path)
        return replace(made, argv=(*made.argv, "--unixsocket", str(path)))

    server = RunningServer(*launch_on_free_port(plan), scheme)
    try:
        assert is_whole(f"{scheme}://{path}")
    finally:
        server.stop()
