"""A cached value in a few lines: every field by its name, long ones by their size and their ends."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from cache.operators.paper import plain
from cache.operators.units import as_text, number, plural, size

MOST_FIELDS = 24
LONGEST = 96
FEW = 4
_JSON = re.compile(r"\s*[\[{]")


def lines(value: Any, *, full: bool = False) -> list[str]:
    """The value as text; `full` gives all of it as indented JSON, as far as it is none itself."""
    value, note = _decoded(value)
    if full:
        return note + _indented(value).splitlines()
    if not isinstance(value, dict) or not value:
        return [*note, shortened(value)]
    width = max(map(len, map(str, value)), default=0)
    fields = list(value.items())
    shown = [f"{name!s:<{width}}  {shortened(part)}" for name, part in fields[:MOST_FIELDS]]
    left = len(fields) - MOST_FIELDS
    return note + shown + ([f"... and {plural(left, 'more field')}"] if left > 0 else [])


def shortened(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, bytes):
        inside, note = _decoded(value)
        return f"{note[0]} {shortened(inside)}" if note else f"{size(len(value))} of bytes"
    whole = _compact(value) if _is_small(value) else ""
    if whole and len(whole) <= LONGEST:
        return whole
    if isinstance(value, str):
        return f'{_compact(value[:LONGEST])[: LONGEST - 20]}..." ({number(len(value))} letters)'
    if isinstance(value, dict):
        return _listed(f"{plural(len(value), 'field')}: ", [str(name) for name in value])
    if isinstance(value, tuple | list):
        return _row(value)
    return _compact(value)[:LONGEST]


def _row(values: tuple[Any, ...] | list[Any]) -> str:
    if all(isinstance(one, int | float) or one is None for one in values):
        ends = (*map(_compact, values[:FEW]), "...", *map(_compact, values[-2:]))
        return f"{plural(len(values), 'number')}: {', '.join(ends)}"
    first = values[0]
    if isinstance(first, dict):
        return _listed(f"{plural(len(values), 'row')} of ", [str(name) for name in first])
    return _listed(
        f"{plural(len(values), 'part')}: ", [_compact(one) if _is_small(one) else "..." for one in values]
    )


def _listed(head: str, names: list[str]) -> str:
    text = head + ", ".join(names)
    return text if len(text) <= LONGEST else text[: LONGEST - 4].rsplit(",", 1)[0] + ", ..."


def _decoded(value: Any) -> tuple[Any, list[str]]:
    """Bytes that are themselves a document are shown as one."""
    if not isinstance(value, bytes):
        return value, []
    text = as_text(value)
    if text is None:
        return value, []
    try:
        if _JSON.match(text):
            return msgspec.json.decode(text), [f"{size(len(value))} of JSON:"]
    except msgspec.DecodeError:
        pass
    return text, [f"{size(len(value))} of text:"]


def _is_small(value: Any, deep: int = 3) -> bool:
    """Whether spelling it out costs nothing."""
    if isinstance(value, str | bytes):
        return len(value) <= LONGEST
    if isinstance(value, dict):
        return (
            deep > 0
            and len(value) <= LONGEST // 4
            and all(_is_small(part, deep - 1) for part in value.values())
        )
    if isinstance(value, tuple | list):
        return deep > 0 and len(value) <= LONGEST // 2 and all(_is_small(part, deep - 1) for part in value)
    return True


def _compact(value: Any) -> str:
    return _json(value).decode()


def _indented(value: Any) -> str:
    return msgspec.json.format(_json(value), indent=2).decode()


def _json(value: Any) -> bytes:
    return msgspec.json.encode(plain(value))
