"""Claims about a system that is started and stopped: on which servers, in which order, and what is said."""

import signal
import stat

import psutil
import pytest

from ops import ports
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


def test_the_first_complete_dashboard_is_announced_with_addresses_and_login(system):
    """An operator who sees no error must see where to go."""
    system.start().until_ready()

    eventually(lambda: "login " in system.said(), within_s=30)

    assert f"http://127.0.0.1:{system.ports['WEB']}/" in system.said()
    assert f"http://127.0.0.1:{system.ports['FLOWER']}/" in system.said()
    assert "tidemark, password " in system.said()


def test_processes_start_after_the_servers_and_the_simulator_and_stop_in_order(system):
    """Nothing writes to a worker that is gone, nothing asks a server that is gone."""
    system.define("simulator", "--port", str(system.ports["SIMULATOR"]))
    for name in ("beat", "flower", "scorer", "stream", "fetcher"):
        system.define(name)
    system.start().until_ready()
    eventually(lambda: len([event for _, event in system.events() if event == "start"]) == 7, within_s=30)

    code = system.stop(signal.SIGINT)

    started = [name for name, event in system.events() if event in ("start", "listen")]
    stopped = [name for name, event in system.events() if event == "stop"]
    assert code == 0
    assert set(started[:4]) <= {"simulator", "web", "stream"}
    assert stopped[0] == "beat"
    assert set(stopped[1:3]) == {"fetcher", "scorer"}
    assert stopped[3:] == ["stream", "web", "flower", "simulator"]
    assert "stopping redis" in system.said().partition("stopping simulator")[2]


def test_a_stop_leaves_no_process_no_port_and_no_lock(system, gone):
    """What a start takes, its stop gives back."""
    system.define("scorer", "--family")
    system.start().until_ready()
    redis = system.server_address("REDIS_URL")
    family = system.descendants()

    code = system.stop()

    taken = [*system.ports.values(), int(redis.rpartition(":")[2].partition("/")[0])]
    assert code == 0
    assert gone(family)
    assert all(ports.bind_error("127.0.0.1", port) is None for port in taken)
    assert not list((system.var / "run").glob("[les]*"))


def test_servers_that_answer_are_used_and_keep_running(system, redis_server, memcached_server):
    """A named server belongs to somebody else: it is neither started nor stopped."""
    named = {"REDIS_URL": f"{redis_server.url}/0", "MEMCACHED_SERVERS": memcached_server.address}

    system.start(**named).until_ready()
    processes = set(system.state().processes)
    broker = system.server_address("BROKER_URL")
    system.stop()

    assert processes == {"web"}
    assert broker == f"{redis_server.url}/1"
    assert redis_server.answers()
    assert memcached_server.answers()


def test_a_named_redis_that_does_not_answer_is_said_and_replaced(system):
    """The dashboard comes up, and the operator knows on what."""
    dead = ports.free_port()

    system.start(REDIS_URL=f"redis://:hunter2@127.0.0.1:{dead}/0").until_ready()

    assert f"Redis at redis://127.0.0.1:{dead}/0 is no use: " in system.said()
    assert system.server_address("REDIS_URL").startswith("redis://127.0.0.1:")
    assert "hunter2" not in system.said()
    assert "redis" in system.state().processes


def test_without_memcached_and_redis_on_the_path_the_packaged_server_runs_alone(system):
    """A machine with Python and nothing else must get a dashboard."""
    system.start(PATH="").until_ready()

    argv = psutil.Process(system.pid_of("redis")).cmdline()

    assert "valkey" in argv[0]
    assert "none installed" in system.said()
    assert system.server_address("MEMCACHED_SERVERS") is None


def test_addresses_are_readable_by_their_owner_alone(system):
    """They can hold the password of a Redis."""
    system.start().until_ready()

    path = system.var / "run/environment"

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert system.server_address("WEB_PORT") == str(system.ports["WEB"])
    assert "PASSWORD" not in path.read_text()


def test_status_and_memory_describe_the_running_system(system, monkeypatch, capsys):
    """An operator on another terminal sees what runs."""
    from ops.__main__ import main

    system.start().until_ready()
    monkeypatch.setenv("VAR_DIR", str(system.var))

    codes = [main(["status"]), main(["memory"])]

    said = capsys.readouterr().out
    web = system.pid_of("web")
    assert codes == [0, 0]
    assert any(line.split() == ["web", str(web), "0"] for line in said.splitlines())
    assert float(said.split()[-1]) > 10


def test_a_login_from_the_settings_is_not_shown(system):
    """Whoever set it knows it."""
    system.define("scorer", "--say", "the word is opensesame")

    system.start(FLOWER_PASSWORD="opensesame").until_ready()  # noqa: S106 - nobody's password

    eventually(lambda: "the word is ***" in system.said(), within_s=30)
    assert "the password from FLOWER_PASSWORD" in system.said()
    assert "opensesame" not in system.said()


def test_a_line_that_does_not_end_is_shown_all_the_same(system):
    """A prompt or a progress bar must not stay hidden until the process dies."""
    system.define("scorer", "--say", "no end of line")

    system.start().until_ready()

    eventually(lambda: "| no end of line\n" in system.said(), within_s=30)
