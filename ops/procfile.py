"""The Procfile: one process a line, its variables filled in here and never by a shell."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|(.?))")
_SHELL_WORDS = frozenset({"|", "||", "&", "&&", ";", ">", ">>", "<", "2>&1"})


class ProcfileError(Exception):
    """A line that cannot be run; the message begins with its number."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One process: its name, the program with its arguments, and the line it stands on."""

    name: str
    argv: tuple[str, ...]
    line: int


def parse(text: str, variables: Mapping[str, str]) -> tuple[Entry, ...]:
    """Read a Procfile; raises ProcfileError, naming the line, at the first that is broken."""
    entries: dict[str, Entry] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            entry = _entry(line, number, variables)
        except ValueError as error:
            raise ProcfileError(f"line {number}: {error}") from None
        if entry.name in entries:
            first = entries[entry.name].line
            raise ProcfileError(f"line {number}: {entry.name!r} stands already on line {first}")
        entries[entry.name] = entry
    if not entries:
        raise ProcfileError("line 1: the file names no process")
    return tuple(entries.values())


def _entry(line: str, number: int, variables: Mapping[str, str]) -> Entry:
    name, colon, command = line.partition(":")
    if not colon or not _NAME.fullmatch(name.strip()):
        raise ValueError("want 'name: command', the name in lower-case letters, digits, '-' and '_'")
    try:
        words = shlex.split(command, comments=True)
    except ValueError as error:
        raise ValueError(f"{error}".lower()) from None
    if not words:
        raise ValueError(f"{name.strip()!r} has no command")
    shell = next((word for word in words if word in _SHELL_WORDS), None)
    if shell:
        raise ValueError(f"{shell!r} needs a shell, and there is none")
    # Filled in after splitting, so that a value with spaces stays one argument.
    return Entry(name.strip(), tuple(_fill(word, variables) for word in words), number)


def _fill(word: str, variables: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            if found[2] == "$":
                return "$"
            raise ValueError("want variables as ${NAME}, and $$ for a dollar sign")
        if name not in variables:
            raise ValueError(f"${{{name}}} is not known; want one of {', '.join(sorted(variables))}")
        return variables[name]

    return _VARIABLE.sub(value, word)
