"""Where an operator's shell learns how the running system is set up: the file that its start leaves."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

LEFT_AT = Path("run") / "environment"
# Each of them names a server; those of the shell must not mix with those of the file.
_NAME_SERVERS = (
    "REDIS_URL",
    "REDIS_HOST",
    "REDIS_PORT",
    "MEMCACHED_SERVERS",
    "MEMCACHED_HOST",
    "MEMCACHED_PORT",
)
_NAMES_REDIS = ("REDIS_URL", "REDIS_HOST", "REDIS_PORT")


class NoEnvironment(Exception):
    """The file that was named cannot be read."""


def adopt(environ: MutableMapping[str, str], named: str | None) -> Path | None:
    """Take over the settings of the running system; returns the file they came from, if any.

    A file that is named is taken as it is and must be there (else NoEnvironment). Without one, an
    environment that names a Redis is left alone; where it names none, the file in VAR_DIR is taken.
    """
    if named is not None:
        _take(environ, read(Path(named)))
        return Path(named)
    if any(environ.get(name) for name in _NAMES_REDIS):
        return None
    path = Path(environ.get("VAR_DIR") or "var") / LEFT_AT
    if not path.exists():
        return None
    _take(environ, read(path))
    return path


def _take(environ: MutableMapping[str, str], values: Mapping[str, str]) -> None:
    for name in _NAME_SERVERS:
        environ.pop(name, None)
    environ.update(values)


def read(path: Path) -> Mapping[str, str]:
    """The KEY=value lines of a file, unquoted as a shell would; raises NoEnvironment."""
    try:
        words = shlex.split(path.read_text(encoding="utf-8"), comments=True)
    except (OSError, ValueError) as error:
        raise NoEnvironment(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    pairs = (word.partition("=") for word in words)
    return {name: value for name, equals, value in pairs if equals}
