"""Claims about starts and commands that cannot be done: they end at once, and say why."""

import socket

import pytest

pytestmark = pytest.mark.integration


def test_a_second_start_on_the_same_folder_is_refused_naming_the_first(system):
    """Two schedulers on one folder would do everything twice."""
    system.start().until_ready()
    first = system.process

    second = system.start()
    code = second.process.wait(timeout=60)

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

        code = system.start().process.wait(timeout=60)

    assert code == 2
    expected = f"port {system.ports['STREAM']} on 127.0.0.1 is in use; STREAM_PORT moves it"
    assert system.said().splitlines() == [expected]
    assert system.events() == []


def test_wrong_settings_stop_the_start_with_one_line_each(system):
    """A typo must not become a system that runs on defaults."""
    code = system.start(WEB_PORT="http", TTL_TICKERS="-1", REDIS_URL="secret@host").process.wait(timeout=60)

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
    code = system.start(**{variable: value}).process.wait(timeout=60)

    assert code == 2
    assert len(system.said().splitlines()) == 1
    assert system.said().startswith(f"{variable}: got ")
    assert not any(part in system.said() for part in ("hunter", "zwei"))
    assert system.events() == []


def test_a_broken_procfile_line_is_named_by_its_number(system):
    """Whoever edits the Procfile is told where to look."""
    system.lines["typo"] = "typo: python ${WEB_PROT}"

    code = system.start().process.wait(timeout=60)

    assert code == 2
    assert system.said().startswith("Procfile: line 2: ${WEB_PROT} is not known")


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

    code = system.start().process.wait(timeout=60)

    assert code == 2
    assert system.said().startswith(f"VAR_DIR: got '{system.var}'; want a folder to write in")


def test_a_login_that_flower_would_misread_stops_the_start(system):
    """A comma would cut the password in two."""
    code = system.start(FLOWER_PASSWORD="a,b").process.wait(timeout=60)  # noqa: S106 - the value is the case

    assert code == 2
    assert system.said().startswith("FLOWER_PASSWORD: got a value that is not shown")
