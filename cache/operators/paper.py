"""What the operator reads: lines and aligned columns, coloured on a terminal, or one JSON document."""

from __future__ import annotations

import os
import unicodedata
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from cache.operators.units import as_text, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TextIO

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
GAP = "  "


class Ink(NamedTuple):
    """A piece of text and how it is coloured."""

    text: str
    style: str = ""


class Paper:
    """Writes to one stream. All text passes `visible` on its way. `width` is the terminal's, if it is one."""

    def __init__(
        self, stream: TextIO, *, colours: bool = False, as_json: bool = False, width: int | None = None
    ) -> None:
        self._stream = stream
        self._colours = colours
        self.width = width
        self.as_json = as_json

    def line(self, *parts: str | Ink) -> None:
        """One line, told at once."""
        self._stream.write("".join(self._inked(_ink(part)) for part in parts).rstrip() + "\n")
        self._stream.flush()

    def document(self, body: Any, *, indent: int = 2) -> None:
        """The one JSON document of a command, or with `indent` 0 one line of many."""
        encoded = msgspec.json.encode(plain(body))
        if indent:
            encoded = msgspec.json.format(encoded, indent=indent)
        self._stream.write(encoded.decode() + "\n")
        self._stream.flush()

    def table(
        self,
        rows: Iterable[Sequence[str | Ink]],
        *,
        head: Sequence[str] = (),
        right: Sequence[int] = (),
        margin: str = "",
    ) -> None:
        """Rows in columns as wide as their widest cell; those in `right` are flush right."""
        lines = [[_ink(cell) for cell in row] for row in rows]
        if head:
            lines.insert(0, [Ink(name, "dim") for name in head])
        widths = [max(map(_wide, cells)) for cells in zip(*_filled(lines), strict=True)] if lines else []
        for cells in lines:
            self.line(
                margin,
                *(
                    part
                    for at, cell in enumerate(cells)
                    for part in _padded(cell, widths[at], flush_right=at in right, last=at == len(cells) - 1)
                ),
            )

    def facts(self, facts: Mapping[str, Sequence[str | Ink] | str]) -> None:
        """Names and what is to be said of them, one below the other."""
        width = max(map(len, facts), default=0)
        for name, said in facts.items():
            parts = (said,) if isinstance(said, str | Ink) else said
            self.line(GAP, Ink(name.ljust(width), "dim"), GAP, *parts)

    def _inked(self, ink: Ink) -> str:
        text = visible(ink.text)
        codes = ";".join(_CODES[word] for word in ink.style.split())
        return f"\x1b[{codes}m{text}\x1b[0m" if self._colours and codes and text else text


def wants_colours(stream: TextIO) -> bool:
    """Whether the stream is a terminal whose user has not asked for plain text."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def plain(body: Any) -> Any:
    """The same with everything that JSON lacks replaced: bytes become text, or base64 where they are none."""
    if isinstance(body, bytes):
        text = as_text(body)
        return body if text is None else text
    if isinstance(body, dict):
        return {_name(name): plain(part) for name, part in body.items()}
    if isinstance(body, tuple | list):
        return [plain(part) for part in body]
    return body


def _name(name: Any) -> str:
    return name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else str(name)


def _ink(part: str | Ink) -> Ink:
    return part if isinstance(part, Ink) else Ink(part)


def _filled(lines: list[list[Ink]]) -> list[list[Ink]]:
    most = max(map(len, lines))
    return [line + [Ink("")] * (most - len(line)) for line in lines]


def _padded(cell: Ink, width: int, *, flush_right: bool, last: bool) -> tuple[str | Ink, ...]:
    space = " " * (width - _wide(cell))
    gap = "" if last else GAP
    return (space, cell, gap) if flush_right else (cell, space + gap)


def _wide(ink: Ink) -> int:
    """The columns that it takes: letters of East Asia take two, combining marks none."""
    text = visible(ink.text)
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )
