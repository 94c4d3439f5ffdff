from __future__ import annotations

import io
import json

import pytest

from cache.codec import FrozenDict
from cache.operators.paper import Ink, Paper, wants_colours


@pytest.fixture
def stream():
    """Where it is written."""
    return io.StringIO()


def test_columns_are_aligned_whatever_their_letters(stream):
    """Letters of East Asia take two columns, combining marks none; numbers stand flush right."""
    Paper(stream).table(
        [("比特币", "1", "x"), ("e\u0301", "1,000", "y")], head=("name", "count", ""), right=(1,), margin="  "
    )

    assert stream.getvalue().splitlines() == [
        "  name    count",
        "  比特币      1  x",
        "  e\u0301       1,000  y",
    ]


def test_colours_do_not_move_columns(stream):
    """Padding is counted without the escape sequences."""
    Paper(stream, colours=True).table([(Ink("fresh", "green"), "a"), (Ink("no", "red"), "b")])

    first, second = stream.getvalue().splitlines()
    assert first == "\x1b[32mfresh\x1b[0m  a"
    assert second == "\x1b[31mno\x1b[0m     b"


def test_without_colours_there_is_not_one_escape_sequence(stream):
    """A file or a pipe gets plain text, also where a value holds a sequence itself."""
    Paper(stream).line(Ink("red", "red"), "\x1b[31m")

    assert "\x1b" not in stream.getvalue()


def test_rows_may_have_fewer_cells_than_the_head(stream):
    """A row ends where it has nothing more to say."""
    Paper(stream).table([("a",), ("b", "2")], head=("x", "y"))

    assert stream.getvalue().splitlines() == ["x  y", "a", "b  2"]


def test_an_empty_table_is_no_line_at_all(stream):
    """Nothing is written, and nothing breaks."""
    Paper(stream).table([])

    assert stream.getvalue() == ""


def test_every_value_that_msgpack_carries_becomes_json(stream):
    """Readable bytes are text, others base64; keys that are no text become some."""
    Paper(stream).document({"a": b"text", "b": b"\xff\0", "c": FrozenDict({1: (None, 1.5)}), b"d": "\x1b"})

    assert json.loads(stream.getvalue()) == {"a": "text", "b": "/wA=", "c": {"1": [None, 1.5]}, "d": "\x1b"}


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self):
        """It is."""
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "wanted"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_colours_are_for_terminals_whose_user_wants_them(stream, environment, wanted, monkeypatch):
    """NO_COLOR is honoured, and a pipe gets none."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert wants_colours(stream) is wanted
