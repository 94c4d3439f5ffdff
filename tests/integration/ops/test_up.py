import os
import signal
import socket
import stat
import time

import psutil
import pytest

from ops import embedded, ports
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


def test_the_first_complete_dashboard_is_announced_with_addresses_and_login(system):
    """An operator who sees no error must see where to go."""
    system.start().until_ready()

    eventually(lambda: "login " in system.said(), within_s=10)

    assert f"http://127.0.0.1:{system.ports['WEB']}/" in system.said()
    assert f"http://127.0.0.1:{system.ports['FLOWER']}/" in system.said()
    assert "tidemark, password " in system.said()


def test_processes_start_after_the_servers_and_the_simulator_and_stop_in_order(system):
    """Nothing writes to a worker that is gone, nothing asks a server that is gone."""
    system.define("simulator", "--port", str(system.ports["SIMULATOR"]))
    for name in ("beat", "flower", "scorer", "stream", "fetcher"):
        system.define(name)
    system.start().until_ready()
    eventually(lambda: len([event for _, event in system.events() if event == "start"]) == 7, within_s=10)

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


def test_a_killed_process_comes_back_and_the_log_says_how_it_died(system):
    """The supervisor is there so that nobody has to watch."""
    system.define("scorer")
    system.start().until_ready()
    first = system.pid_of("scorer")

    os.kill(first, signal.SIGKILL)

    second = eventually(lambda: (pid := system.pid_of("scorer")) != first and pid, within_s=10)
    assert second != first
    assert "scorer died (killed by SIGKILL); starting it again in 1." in system.said()
    assert system.state().processes["scorer"].restarts == 1


def test_what_a_dead_process_leaves_behind_is_killed_before_it_starts_again(system, gone):
    """Orphaned pool processes would go on taking messages with old code and old connections."""
    system.define("scorer", "--family")
    system.start().until_ready()
    eventually(lambda: ("scorer", "start") in system.events(), within_s=10)
    orphan = psutil.Process(int(system.events("scorer")[0][1].split()[1]))

    os.kill(system.pid_of("scorer"), signal.SIGKILL)

    eventually(lambda: gone([orphan]), within_s=10)
    assert [event for _, event in system.events("scorer")].count("start") == 1


@pytest.mark.parametrize("again", [False, True], ids=["alone", "with a second Ctrl-C"])
def test_processes_that_ignore_sigterm_are_killed_within_15_seconds(system, gone, again):
    """A stop that hangs is a stop that people replace by kill -9."""
    for name in ("stream", "beat"):
        system.define(name, "--stubborn", "--family")
    system.start().until_ready()
    eventually(
        lambda: ("stream", "start") in system.events() and ("beat", "start") in system.events(), within_s=10
    )
    family = system.descendants()
    began = time.monotonic()

    system.process.send_signal(signal.SIGINT)
    if again:
        eventually(lambda: "SIGINT: stopping" in system.said(), within_s=10)
        eventually(
            lambda: system.process.send_signal(signal.SIGINT) or "SIGINT again" in system.said(), within_s=10
        )
    code = system.process.wait(timeout=20)

    assert code == 0
    assert gone(family)
    assert time.monotonic() - began < (3 if again else 15)


def test_a_killed_supervisor_takes_everything_along(system, gone):
    """Not even kill -9 leaves workers that nobody stops, however deep they stand."""
    system.define("scorer", "--family", "--stubborn")
    system.start().until_ready()
    eventually(lambda: ("scorer", "start") in system.events(), within_s=10)
    family = system.descendants()

    system.process.kill()

    system.process.wait()
    eventually(lambda: gone(family), within_s=10)
    assert len(family) >= 6


def test_a_start_after_a_killed_supervisor_is_not_kept_from_its_folder(system, gone):
    """What a kill leaves in var/ must not need a person to clean up."""
    system.start().until_ready()
    family = system.descendants()
    system.process.kill()
    system.process.wait()
    eventually(lambda: gone(family), within_s=10)

    system.output.write_text("")
    system.start().until_ready()

    assert system.stop() == 0


def test_an_embedded_redis_comes_back_on_its_port(system):
    """The processes know one address; it must stay true."""
    system.start().until_ready()
    address = system.server_address("REDIS_URL")
    port = int(address.rpartition(":")[2].partition("/")[0])
    first = system.pid_of("redis")

    os.kill(first, signal.SIGKILL)

    eventually(lambda: system.pid_of("redis") != first, within_s=10)
    eventually(lambda: embedded.reply("127.0.0.1", port, b"PING\r\n") == b"+PONG\r\n", within_s=10)
    assert address.endswith("/0")


def test_a_second_start_on_the_same_folder_is_refused_naming_the_first(system):
    """Two schedulers on one folder would do everything twice."""
    system.start().until_ready()
    first = system.process

    second = system.start()
    code = second.process.wait(timeout=10)

    system.process, second = first, None
    last = system.said().splitlines()[-1]
    assert code == 2
    assert f"in use by pid {first.pid}, running since" in last
    assert f"at http://127.0.0.1:{system.ports['WEB']}" in last
    assert "VAR_DIR" in last


def test_a_port_in_use_is_named_with_the_variable_that_moves_it(system):
    """The one message for which nobody should have to search."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", system.ports["STREAM"]))
        taken.listen()

        code = system.start().process.wait(timeout=10)

    assert code == 2
    expected = f"port {system.ports['STREAM']} on 127.0.0.1 is in use; STREAM_PORT moves it"
    assert system.said().splitlines() == [expected]
    assert system.events() == []


def test_wrong_settings_stop_the_start_with_one_line_each(system):
    """A typo must not become a system that runs on defaults."""
    code = system.start(WEB_PORT="http", TTL_TICKERS="-1", REDIS_URL="secret@host").process.wait(timeout=10)

    lines = system.said().splitlines()
    assert code == 2
    assert len(lines) == 3
    assert any(line.startswith("WEB_PORT: got 'http'") for line in lines)
    assert any(line.startswith("TTL_TICKERS: got '-1'") for line in lines)
    assert not any("secret" in line for line in lines)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TTL_DASHBOARD", "90"),
        ("PERIOD_ORDER_BOOKS", "90"),
        ("EXCHANGES", "bybt"),
        ("EXCHANGES", "simulated,okx"),
        ("SIMULATOR_RECORDINGS", "/does/not/exist"),
        ("REDIS_URL", "redis://:hunter/zwei@127.0.0.1:1/0"),
        ("BROKER_URL", "redis://:hunter#zwei@127.0.0.1:1/0"),
    ],
)
def test_what_could_only_fail_later_stops_the_start_with_one_line(system, variable, value):
    """Else the processes would start, each with a traceback or with a page that stays empty."""
    code = system.start(**{variable: value}).process.wait(timeout=10)

    assert code == 2
    assert len(system.said().splitlines()) == 1
    assert system.said().startswith(f"{variable}: got ")
    assert not any(part in system.said() for part in ("hunter", "zwei"))
    assert system.events() == []


def test_a_broken_procfile_line_is_named_by_its_number(system):
    """Whoever edits the Procfile is told where to look."""
    system.lines["typo"] = "typo: python ${WEB_PROT}"

    code = system.start().process.wait(timeout=10)

    assert code == 2
    assert system.said().startswith("Procfile: line 2: ${WEB_PROT} is not known")


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


def test_a_killed_guard_is_replaced_before_it_is_needed(system, gone):
    """The last will holds even when somebody tears it up."""
    system.define("scorer", "--family", "--stubborn")
    system.define("beat")
    system.start().until_ready()
    eventually(lambda: ("scorer", "start") in system.events(), within_s=10)
    first = system.state().guard_pid
    os.kill(first, signal.SIGKILL)
    os.kill(system.pid_of("beat"), signal.SIGKILL)
    eventually(lambda: system.state().guard_pid != first and system.pid_of("beat"), within_s=10)
    family = system.descendants()

    system.process.kill()

    system.process.wait()
    eventually(lambda: gone(family), within_s=10)


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


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [(["status"], 1, "nothing runs on"), (["dance"], 2, "usage:"), ([], 2, "usage:")],
)
def test_commands_that_cannot_be_done_say_why(monkeypatch, capsys, tmp_path, arguments, code, message):
    """A wrong command does nothing."""
    from ops.__main__ import main

    monkeypatch.setenv("VAR_DIR", str(tmp_path))

    assert main(arguments) == code
    assert message in capsys.readouterr().err


def test_wrong_settings_stop_the_other_commands_as_well(monkeypatch, capsys):
    """They read the same variables."""
    from ops.__main__ import main

    monkeypatch.setenv("WEB_PORT", "http")

    assert main(["status"]) == 2
    assert capsys.readouterr().err.startswith("WEB_PORT: got 'http'")


@pytest.mark.parametrize(
    ("does", "words"),
    [("true", "it said nothing"), ("echo bad disk", "the last that it said: bad disk")],
    ids=["silent", "with a reason"],
)
def test_a_server_that_cannot_start_ends_the_start(system, does, words):
    """Without a broker nothing else makes sense, so nothing else is left running."""
    folder = system.folder / "bin"
    folder.mkdir()
    server = folder / "valkey-server"
    server.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo v=8.0.0 && exit\n{does}; exec sleep 60\n')
    server.chmod(0o755)

    changes = {"PATH": f"{folder}:/usr/bin:/bin", "SERVER_WITHIN_S": "2"}
    code = system.start(**changes).process.wait(timeout=30)

    (line,) = [line for line in system.said().splitlines() if "did not answer" in line]
    assert code == 1
    assert "| the embedded redis did not answer on 127.0.0.1:" in line
    assert line.endswith(f" within 2 s; {words}")
    assert system.events() == []


def test_a_folder_that_cannot_be_written_is_said(system):
    """The lock is the first file that is needed."""
    system.var.write_text("not a folder")

    code = system.start().process.wait(timeout=10)

    assert code == 2
    assert system.said().startswith(f"VAR_DIR: got '{system.var}'; want a folder to write in")


def test_a_login_that_flower_would_misread_stops_the_start(system):
    """A comma would cut the password in two."""
    code = system.start(FLOWER_PASSWORD="a,b").process.wait(timeout=10)  # noqa: S106 - the value is the case

    assert code == 2
    assert system.said().startswith("FLOWER_PASSWORD: got a value that is not shown")


def test_a_login_from_the_settings_is_not_shown(system):
    """Whoever set it knows it."""
    system.define("scorer", "--say", "the word is opensesame")

    system.start(FLOWER_PASSWORD="opensesame").until_ready()  # noqa: S106 - nobody's password

    eventually(lambda: "the word is ***" in system.said(), within_s=10)
    assert "the password from FLOWER_PASSWORD" in system.said()
    assert "opensesame" not in system.said()


def test_a_line_that_does_not_end_is_shown_all_the_same(system):
    """A prompt or a progress bar must not stay hidden until the process dies."""
    system.define("scorer", "--say", "no end of line")

    system.start().until_ready()

    eventually(lambda: "| no end of line\n" in system.said(), within_s=10)
