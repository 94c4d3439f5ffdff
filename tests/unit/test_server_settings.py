"""Claims about the servers that the environment names: where Redis, the broker and Memcached are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import settings

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("clean_environment")


@pytest.mark.parametrize(
    ("given", "cache", "broker"),
    [
        ({"redis_host": "r"}, "redis://r:6379/0", "redis://r:6379/1"),
        ({"redis_port": 6380}, "redis://127.0.0.1:6380/0", "redis://127.0.0.1:6380/1"),
        ({"redis_host": "::1"}, "redis://[::1]:6379/0", "redis://[::1]:6379/1"),
        ({"redis_url": "redis://:p@r:1/0"}, "redis://:p@r:1/0", "redis://:p@r:1/1"),
        (
            {"redis_url": "rediss://h:1/0?ssl_cert_reqs=none"},
            "rediss://h:1/0?ssl_cert_reqs=none",
            "rediss://h:1/1?ssl_cert_reqs=none",
        ),
        (
            {"redis_url": "unix:///run/redis.sock"},
            "unix:///run/redis.sock",
            "redis+socket:///run/redis.sock?virtual_host=1",
        ),
        (
            {"redis_url": "redis+socket:///run/redis.sock?virtual_host=2"},
            "unix:///run/redis.sock?db=2",
            "redis+socket:///run/redis.sock?virtual_host=1",
        ),
        (
            {"redis_host": "r", "broker_url": "unix:///run/redis.sock?db=4"},
            "redis://r:6379/0",
            "redis+socket:///run/redis.sock?virtual_host=4",
        ),
        ({"redis_url": "redis://r:1"}, "redis://r:1", "redis://r:1/1"),
        (
            {"redis_host": "::1", "redis_username": "me", "redis_password": "a/b@c", "redis_tls": True},
            "rediss://me:a%2Fb%40c@[::1]:6379/0",
            "rediss://me:a%2Fb%40c@[::1]:6379/1?ssl_cert_reqs=required",
        ),
        (
            {"redis_sentinels": "s:1, [::1]:2"},
            "redis+sentinel://s:1,[::1]:2/mymaster/0",
            "redis+sentinel://s:1,[::1]:2/mymaster/1",
        ),
        (
            {
                "redis_sentinels": "s:1",
                "redis_sentinel_master": "m",
                "redis_password": "p:w",
                "redis_sentinel_password": "s/w",
                "redis_tls": True,
                "broker_url": "redis://b/3",
            },
            "rediss+sentinel://:p%3Aw@s:1/m/0?sentinel_password=s/w",
            "redis://b/3",
        ),
        (
            {"redis_url": "redis+sentinel://s:1/m/0?sentinel_password=x"},
            "redis+sentinel://s:1/m/0?sentinel_password=x",
            "redis+sentinel://s:1/m/1?sentinel_password=x",
        ),
        (
            {"redis_host": "r", "broker_url": "redis+sentinel://s:1/m/4"},
            "redis://r:6379/0",
            "redis+sentinel://s:1/m/4",
        ),
        ({"redis_host": "r", "broker_url": "redis://b/3"}, "redis://r:6379/0", "redis://b/3"),
    ],
)
def test_the_broker_stands_beside_the_cache_unless_it_has_its_own(
    given: dict[str, object], cache: str, broker: str
) -> None:
    """Two databases, never one: the broker's must not evict."""
    loaded = settings.Settings(**given)

    assert (loaded.redis_location(), loaded.broker_location()) == (cache, broker)


def test_the_file_to_trust_goes_to_every_encrypted_address_that_names_none(tmp_path: Path) -> None:
    """The cache's and the broker's; a plain address has no use for it."""
    ours, other = tmp_path / "ours.pem", tmp_path / "other.pem"
    ours.touch(), other.touch()
    addresses = (
        "rediss://h/0",
        f"rediss://h/0?ssl_ca_certs={other}",
        "redis://h/0",
        "rediss+sentinel://s:1/m/0",
    )

    trusted = [
        (found.redis_location() or "", found.broker_location() or "")
        for found in (settings.Settings(redis_url=url, redis_ca_file=ours) for url in addresses)
    ]

    assert [(str(ours) in cache, str(ours) in broker) for cache, broker in trusted] == [
        (True, True),
        (False, False),
        (False, False),
        (True, True),
    ]


@pytest.mark.parametrize(("variable", "value"), [("REDIS_URL", "redis://:hunter2@h/0"), ("REDIS_HOST", "h")])
def test_sentinels_beside_another_name_of_redis_are_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """Only one of them can be meant, and the other would be forgotten in silence."""
    monkeypatch.setenv("REDIS_SENTINELS", "s:1")
    monkeypatch.setenv(variable, value)

    with pytest.raises(settings.SettingsError) as caught:
        settings.load()

    (line,) = caught.value.lines
    assert line == (
        f"REDIS_SENTINELS: got 's:1' beside {variable}; "
        "want one of the two, since each names the cache's Redis"
    )


def test_a_memcached_host_alone_gets_the_usual_port() -> None:
    """And a list of servers stands before it."""
    assert settings.Settings(memcached_host="::1").memcached_locations() == ("[::1]:11211",)
    assert settings.Settings(memcached_host="m").memcached_locations() == ("m:11211",)
    assert settings.Settings(memcached_host="m", memcached_servers="a:1,b:2").memcached_locations() == (
        "a:1",
        "b:2",
    )
