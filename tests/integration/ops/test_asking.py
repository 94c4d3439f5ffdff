from dataclasses import replace

import pytest
from kombu import Connection
from redis import Redis

from ops import asking, embedded, ports
from settings import Settings

pytestmark = pytest.mark.integration


def test_a_redis_that_answers_is_of_use(redis_server):
    """No reason, no complaint."""
    assert asking.ask_redis(f"{redis_server.url}/0") is None


def test_a_redis_that_wants_another_password_is_refused_with_its_reason(redis_server):
    """It answers, but the processes could do nothing with it."""
    with Redis.from_url(redis_server.url) as client:
        client.config_set("requirepass", "right")

        why = asking.ask_redis(f"redis://:wrong@127.0.0.1:{redis_server.port}/0")
        good = asking.ask_redis(f"redis://:right@127.0.0.1:{redis_server.port}/0")

    assert why
    assert "wrong" not in why.split()
    assert good is None


def test_a_frozen_redis_is_given_up_within_seconds(redis_server):
    """The start must not hang on a server that accepts and stays silent."""
    redis_server.freeze()

    assert asking.ask_redis(f"{redis_server.url}/0")


def test_a_closed_port_is_a_reason():
    """The commonest of mistakes."""
    dead = ports.free_port()

    assert "refused" in asking.ask_redis(f"redis://127.0.0.1:{dead}/0")
    assert asking.ask_memcached(f"127.0.0.1:{dead}") == "no answer"


@pytest.mark.parametrize(
    ("memory", "policy", "warned"),
    [("50mb", "allkeys-lru", True), ("50mb", "noeviction", False), ("0", "allkeys-lru", False)],
)
def test_a_broker_that_may_evict_is_warned_of(redis_server, memory, policy, warned):
    """An evicted binding silently loses every message of a queue."""
    with Redis.from_url(redis_server.url) as client:
        client.config_set("maxmemory", memory)
        client.config_set("maxmemory-policy", policy)

    line = asking.eviction_warning(f"{redis_server.url}/1")

    assert bool(line) is warned


def test_a_broker_that_forbids_the_question_is_not_warned_of():
    """Hosted servers do; there is nothing to say then."""
    assert asking.eviction_warning(f"redis://127.0.0.1:{ports.free_port()}/1") is None


def test_memcached_is_told_from_others(memcached_server, redis_server):
    """Two default ports are easily mixed up."""
    assert asking.ask_memcached(memcached_server.address) is None
    assert "language" in asking.ask_memcached(redis_server.address)


def test_a_socket_is_reached_by_the_cache_and_by_celery(tmp_path):
    """The two clients spell it differently; the settings know both spellings."""
    plan = embedded.plan_redis(
        binary=embedded.find_redis(), host="127.0.0.1", port=ports.free_port(), folder=tmp_path
    )
    path = tmp_path / "redis.sock"
    server = embedded.launch(replace(plan, argv=(*plan.argv, "--unixsocket", str(path))))
    settings = Settings(redis_url=f"unix://{path}")
    try:
        assert asking.ask_redis(settings.redis_location()) is None
        assert asking.ask_redis(settings.broker_location()) is None
        with Connection(settings.broker_location()) as connection, connection.SimpleQueue("letters") as queue:
            queue.put("hello")
        with Redis(unix_socket_path=str(path), db=1) as client:
            assert client.llen("letters") == 1
    finally:
        server.kill()
        server.wait()
