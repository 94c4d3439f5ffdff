from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from kombu import Connection
from kombu.exceptions import OperationalError
from redis import Redis

from ops import asking
from settings import Settings
from tests.support import redis_servers
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]


@pytest.fixture
def broker(monkeypatch):
    """Makes the connection that a worker with these variables makes."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)

    def connect(**variables: str):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        config = runpy.run_path(str(ROOT / "celeryconfig.py"))
        return Connection(
            config["broker_url"],
            transport_options=config["broker_transport_options"],
            ssl=config["broker_use_ssl"],
        )

    return connect


def carries(connection, letter):
    """Whether the broker takes a message and gives it back."""
    with connection.clone() as own, own.SimpleQueue("letters") as queue:
        queue.put(letter)
        message = queue.get(timeout=2)
        message.ack()
        return message.payload == letter


def test_a_broker_with_a_password_carries_messages(broker):
    """User and password by their own variables, beside host and port."""
    with redis_servers.redis_with_password() as server:
        place = {"redis_host": server.host, "redis_port": str(server.port)}

        variables = {**place, "redis_password": redis_servers.PASSWORD}
        connection = broker(**{name.upper(): value for name, value in variables.items()})

        assert carries(connection, "hello")
        assert asking.ask_redis(Settings(**variables).redis_location()) is None
        assert asking.ask_redis(Settings(**place, redis_password="wrong").redis_location())  # noqa: S106


def test_a_broker_over_tls_carries_messages(broker):
    """The file to trust comes by its own variable; without it the certificate is refused."""
    with redis_servers.redis_with_tls() as server:
        connection = broker(REDIS_URL=f"{server.url}/0", REDIS_CA_FILE=server.authority)

        assert carries(connection, "hello")
        trusting = Settings(redis_url=server.url, redis_ca_file=server.authority)
        assert asking.ask_redis(trusting.redis_location()) is None
        assert asking.ask_redis(trusting.broker_location()) is None
        assert "certificate" in asking.ask_redis(f"{server.url}/0")


def test_a_broker_behind_a_sentinel_is_followed(broker):
    """Found, with the passwords of both, and found again after a failover."""
    with redis_servers.sentinel_trio(password=redis_servers.PASSWORD) as trio:
        connection = broker(
            REDIS_SENTINELS=trio.sentinel.address,
            REDIS_PASSWORD=redis_servers.PASSWORD,
            REDIS_SENTINEL_PASSWORD=redis_servers.SENTINEL_PASSWORD,
        )
        assert carries(connection, "before")

        trio.fail_over()

        assert eventually(lambda: _carries_at_last(connection), within_s=5)
        settings = Settings()
        assert asking.ask_redis(settings.redis_location()) is None
        assert asking.ask_redis(settings.broker_location()) is None
        assert asking.eviction_warning(settings.broker_location()) is None


def test_celerys_own_command_line_follows_the_sentinel_too():
    """It reads BROKER_URL itself, which every process of a running system has."""
    with redis_servers.sentinel_trio() as trio:
        variables = {"REDIS_URL": trio.location(), "BROKER_URL": trio.location(1)}
        command = [sys.executable, "-m", "celery", "-A", "tasks", "call", "tasks.derive.sweep"]

        ended = subprocess.run(
            [*command, "--queue", "normal"],
            cwd=ROOT,
            env={**os.environ, **variables},
            check=False,
            timeout=60,
            capture_output=True,
        )

        assert ended.returncode == 0, ended.stderr[-500:]
        with Redis(port=trio.master.port, db=1) as client:
            assert client.llen("normal") == 1


def test_a_sentinel_that_does_not_know_the_master_is_no_use(broker):
    """The start says so, and names it."""
    with redis_servers.sentinel_trio() as trio:
        broker(REDIS_SENTINELS=trio.sentinel.address, REDIS_SENTINEL_MASTER="other")

        assert "'other'" in asking.ask_redis(Settings().redis_location())


def _carries_at_last(connection):
    try:
        return carries(connection, "after")
    except (OperationalError, OSError):
        return False
