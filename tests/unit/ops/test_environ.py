import shlex
import stat
import subprocess

import pytest

from ops import environ
from ops.backends import Backends
from ops.environ import Login
from settings import Settings

BACKENDS = Backends("redis://:pw@h/0", "redis://:pw@h/1", ("127.0.0.1:7",), (), (), ())
LOGIN = Login("me", "word", made_here=False)


def settings(**fields: object):
    """Settings with a login."""
    return Settings(**{"flower_password": "word", "var_dir": "here", **fields})


def test_every_setting_is_spelled_out_and_addresses_are_resolved(monkeypatch, tmp_path):
    """The processes decide nothing a second time."""
    monkeypatch.chdir(tmp_path)

    values = environ.resolved(settings(redis_host="gone", redis_port=1), BACKENDS)

    assert values["REDIS_URL"] == "redis://:pw@h/0"
    assert values["MEMCACHED_SERVERS"] == "127.0.0.1:7"
    assert values["VAR_DIR"] == str(tmp_path / "here")
    assert values["TIMEFRAMES"] == "1m,5m,30m,4h"
    assert values["ENABLE_CACHE_PUBSUB"] == "true"
    assert not {"REDIS_HOST", "REDIS_PORT", "FLOWER_PASSWORD"} & set(values)


def test_what_was_spelled_out_reads_back_as_the_same_settings(monkeypatch):
    """Weights and paths survive the way through text."""
    before = settings(exchanges=("bybit", "okx"), component_weights={"technical": 0.1, "volume": 0.7})

    for name, value in environ.resolved(before, BACKENDS).items():
        monkeypatch.setenv(name, value)
    after = Settings()

    same = {"exchanges", "component_weights", "timeframe_weights", "ttl_candles", "simulator_seed"}
    assert after.model_dump(include=same) == before.model_dump(include=same)


def test_the_parts_of_an_address_do_not_stand_beside_it(monkeypatch, tmp_path):
    """Sentinels, password and certificates are in the URL by now; a process would refuse both."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    ca_file = tmp_path / "ca.pem"
    ca_file.touch()
    parts = settings(
        redis_sentinels="s:1",
        redis_password="parole",  # noqa: S106 (made up here)
        redis_sentinel_password="motto",  # noqa: S106 (made up here)
        redis_tls=True,
        redis_ca_file=ca_file,
    )
    urls = (parts.redis_location(), parts.broker_location())
    backends = Backends(*urls, (), (), (), ())

    environment = environ.for_process(
        "web", environ.resolved(parts, backends), LOGIN, {"REDIS_SENTINELS": "s:1"}
    )
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    after = Settings()

    assert "REDIS_SENTINELS" not in environment
    assert (after.redis_location(), after.broker_location()) == urls
    assert {"parole", "motto"} <= set(backends.secrets())
    shown = environ.for_command_lines(parts, environ.resolved(parts, backends))
    assert not [name for name, value in shown.items() if "parole" in value or "motto" in value]


def test_no_secret_can_get_on_a_command_line():
    """Everybody on the machine can read those with ps."""
    shown = environ.for_command_lines(settings(), environ.resolved(settings(), BACKENDS))

    assert not [name for name, value in shown.items() if "pw" in value or "word" in value]
    assert shown["LOOPBACK_ADDRESS"] == "127.0.0.1"


def test_only_flower_learns_the_login_and_under_its_own_name():
    """Flower reads every FLOWER_ variable; ours must not confuse it."""
    inherited = {
        "FLOWER_PASSWORD": "word",
        "FLOWER_USER": "me",
        "FLOWER_BASIC_AUTH": "x:y",
        "REDIS_HOST": "h",
    }
    values = environ.resolved(settings(), BACKENDS)

    flower = environ.for_process("flower", values, LOGIN, inherited)
    web = environ.for_process("web", values, LOGIN, inherited)

    assert flower["FLOWER_BASIC_AUTH"] == "me:word"
    assert not {"FLOWER_USER", "FLOWER_PASSWORD", "REDIS_HOST"} & set(flower)
    assert not {"FLOWER_BASIC_AUTH", "FLOWER_PASSWORD"} & set(web)


def test_an_operator_can_still_set_what_the_start_only_suggests():
    """One arithmetic thread is a default, not a rule."""
    environment = environ.for_process("scorer", {}, LOGIN, {"OMP_NUM_THREADS": "4"})

    assert environment["OMP_NUM_THREADS"] == "4"
    assert environment["OPENBLAS_NUM_THREADS"] == "1"


def test_the_interpreters_own_programs_come_first():
    """A celery of another installation must not be taken."""
    environment = environ.with_programs_of("/venv/bin/python", {"PATH": "/usr/bin", "HOME": "/root"})

    assert environment == {"PATH": "/venv/bin:/usr/bin", "HOME": "/root"}
    assert environ.with_programs_of("/venv/bin/python", {"PATH": ""})["PATH"] == "/venv/bin"


def test_a_login_is_made_up_only_where_none_is_set():
    """Two made-up passwords are never the same."""
    made = {environ.flower_login(settings(flower_password=None)).password for _ in range(2)}

    assert len(made) == 2
    assert environ.flower_login(settings()) == Login("tidemark", "word", made_here=False)


@pytest.mark.parametrize(
    ("login", "variable"),
    [
        (Login("a:b", "word", made_here=False), "FLOWER_USER"),
        (Login("", "word", made_here=False), "FLOWER_USER"),
        (Login("me", "a,secret", made_here=False), "FLOWER_PASSWORD"),
    ],
)
def test_a_login_that_flower_would_misread_is_refused(login, variable):
    """It takes a list of user:password pairs, separated by commas."""
    (line,) = environ.login_problems(login)

    assert line.startswith(f"{variable}: got ")
    assert "secret" not in line
    assert environ.login_problems(LOGIN) == []


def test_the_file_is_its_owners_alone_from_the_first_byte(tmp_path):
    """Also where an older, more open one was left behind."""
    path = tmp_path / "environment"
    path.write_text("old")
    path.chmod(0o644)

    environ.write(path, {"A": "1"})

    assert path.read_text() == "A=1\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_shell_that_sources_the_file_gets_the_values_as_they_are(tmp_path):
    """Addresses hold & and ?, folders hold spaces; none of it may be a command."""
    value = "redis://:a$b'c@h:1/0?x=1&y=2; touch made here"
    path = tmp_path / "environment"

    environ.write(path, {"ADDRESS": value, "EMPTY": ""})
    sourced = subprocess.run(
        ["sh", "-c", '. ./environment; printf %s "$ADDRESS"'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert sourced.stdout == value
    assert dict(word.split("=", 1) for word in shlex.split(path.read_text())) == {
        "ADDRESS": value,
        "EMPTY": "",
    }
    assert list(tmp_path.iterdir()) == [path]
