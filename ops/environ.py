"""The environment that each process gets: every setting spelled out, and the servers' addresses."""

from __future__ import annotations

import os
import secrets
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ops.ports import loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops.backends import Backends
    from settings import Settings

# Replaced by what they led to; left in place they would contradict it.
_SUPERSEDED = (
    "REDIS_HOST",
    "REDIS_PORT",
    "REDIS_USERNAME",
    "REDIS_PASSWORD",
    "REDIS_TLS",
    "REDIS_CA_FILE",
    "REDIS_SENTINELS",
    "REDIS_SENTINEL_MASTER",
    "REDIS_SENTINEL_USERNAME",
    "REDIS_SENTINEL_PASSWORD",
    "MEMCACHED_HOST",
    "MEMCACHED_PORT",
)
_PRIVATE = frozenset({"REDIS_URL", "BROKER_URL", "FLOWER_PASSWORD"})
# One arithmetic thread a process: two scorers on two cores gain nothing from four.
_QUIET = {"PYTHONUNBUFFERED": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Login:
    """The operator's way into Flower; `made_here` when no password was set."""

    user: str
    password: str
    made_here: bool


def flower_login(settings: Settings) -> Login:
    """Return the login of the settings, with a password made up where none is set."""
    if settings.flower_password is not None:
        return Login(settings.flower_user, settings.flower_password, made_here=False)
    return Login(settings.flower_user, secrets.token_urlsafe(12), made_here=True)


def login_problems(login: Login) -> list[str]:
    """Return a sentence for each half of the login that Flower's user:password list cannot carry."""
    lines = []
    if not login.user or set(login.user) & set(":,"):
        lines.append(f"FLOWER_USER: got {login.user!r}; want a name without colon and comma")
    if "," in login.password:
        lines.append("FLOWER_PASSWORD: got a value that is not shown; want one without a comma")
    return lines


def resolved(settings: Settings, backends: Backends) -> dict[str, str]:
    """Return every setting as the processes are to read it, addresses included, passwords of Flower not."""
    values = {name.upper(): _text(value) for name, value in settings if value not in (None, ())}
    for name in (*_SUPERSEDED, "MEMCACHED_SERVERS", "FLOWER_PASSWORD"):
        values.pop(name, None)
    values["REDIS_URL"] = backends.redis_url
    values["BROKER_URL"] = backends.broker_url
    if backends.memcached:
        values["MEMCACHED_SERVERS"] = ",".join(backends.memcached)
    return values


def for_command_lines(settings: Settings, values: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a Procfile may use: none that could hold a password, since ps shows them."""
    shown = {name: value for name, value in values.items() if name not in _PRIVATE}
    return {**shown, "LOOPBACK_ADDRESS": loopback(settings.bind_address)}


def for_process(
    name: str, values: Mapping[str, str], login: Login, inherited: Mapping[str, str]
) -> dict[str, str]:
    """Return the whole environment of one process; only Flower learns its login."""
    dropped = {*_SUPERSEDED, "MEMCACHED_SERVERS", "FLOWER_USER", "FLOWER_PASSWORD", "FLOWER_BASIC_AUTH"}
    environment = _QUIET | {key: value for key, value in inherited.items() if key not in dropped}
    environment.update(values)
    environment.pop("FLOWER_USER", None)
    if name == "flower":
        environment["FLOWER_BASIC_AUTH"] = f"{login.user}:{login.password}"
    return environment


def with_programs_of(python: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with the folder of that interpreter first on the search path."""
    path = os.pathsep.join(filter(None, (str(Path(python).parent), environment.get("PATH", os.defpath))))
    return {**environment, "PATH": path}


def write(path: Path, values: Mapping[str, str]) -> None:
    """Write KEY=value lines, quoted for a shell, for their owner alone: the addresses can hold passwords."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ",".join(f"{name}={number!r}" for name, number in value.items())
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, Path):
        return str(value.absolute())
    return str(value)
