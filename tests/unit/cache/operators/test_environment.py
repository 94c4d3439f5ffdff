from __future__ import annotations

import pytest

from cache.operators.environment import NoEnvironment, adopt
from ops import environ as written


@pytest.fixture
def var(tmp_path):
    """The folder of a system that runs on servers of its own."""
    (tmp_path / "run").mkdir()
    values = {"REDIS_URL": "redis://:p'w %20@127.0.0.1:7/0", "SHARED_CACHE_PREFIX": "other"}
    written.write(tmp_path / "run" / "environment", values)
    return tmp_path


def test_beside_a_running_system_its_settings_are_found(var):
    """What the start wrote is read back as it was, quotes and all."""
    environ = {"VAR_DIR": str(var)}

    assert adopt(environ, None) == var / "run" / "environment"
    assert environ["REDIS_URL"] == "redis://:p'w %20@127.0.0.1:7/0"
    assert environ["SHARED_CACHE_PREFIX"] == "other"


@pytest.mark.parametrize("name", ["REDIS_URL", "REDIS_HOST", "REDIS_PORT"])
def test_a_redis_that_the_shell_names_is_taken(var, name):
    """Who named a server meant it."""
    environ = {"VAR_DIR": str(var), name: "mine"}

    assert adopt(environ, None) is None
    assert environ == {"VAR_DIR": str(var), name: "mine"}


def test_a_file_that_is_named_wins_over_the_shell(var):
    """None of the shell's servers is mixed with those of the file."""
    environ = {"REDIS_URL": "mine", "MEMCACHED_SERVERS": "mine", "MEMCACHED_HOST": "mine"}

    adopt(environ, str(var / "run" / "environment"))

    assert environ == {"REDIS_URL": "redis://:p'w %20@127.0.0.1:7/0", "SHARED_CACHE_PREFIX": "other"}


def test_where_nothing_runs_nothing_is_taken(tmp_path):
    """The settings then say themselves that no Redis is named."""
    environ = {"VAR_DIR": str(tmp_path)}

    assert adopt(environ, None) is None


@pytest.mark.parametrize("body", [None, "REDIS_URL='half"])
def test_a_file_that_is_named_must_be_there_and_whole(tmp_path, body):
    """A wrong path is not passed over in silence."""
    path = tmp_path / "environment"
    if body is not None:
        path.write_text(body)

    with pytest.raises(NoEnvironment, match="cannot read"):
        adopt({}, str(path))
