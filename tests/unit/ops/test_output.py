import io
import os
import re
import threading

import pytest

from ops.output import Lines, Printer, wants_colours


@pytest.fixture
def pipe():
    """Two ends; reading gives all that was written once the writing end is closed."""
    reading, writing = os.pipe()

    def read():
        os.close(writing)
        with os.fdopen(reading) as file:
            return file.read()

    return writing, read


def printer(writing, **options: object):
    """A printer for two names at midnight."""
    return Printer(
        **{
            "descriptor": writing,
            "names": ["ops", "fetcher"],
            "colours": False,
            "clock": lambda: 0,
            **options,
        }
    )


def test_a_line_in_pieces_comes_out_whole():
    """Pipes cut where they like."""
    lines = Lines()

    pieces = [lines.feed(piece) for piece in (b"one\ntw", b"o", b"\r\nthr")]

    assert pieces == [["one"], [], ["two"]]
    assert lines.rest() == ["thr"]
    assert lines.rest() == []


def test_a_long_line_comes_in_parts_and_nothing_is_lost():
    """A process that never ends its line must not fill the memory."""
    lines = Lines(longest=10)

    parts = lines.feed(b"a" * 25) + lines.feed(b"b" * 3 + b"\n" + b"c" * 12 + b"\n") + lines.rest()

    assert "".join(parts) == "a" * 25 + "b" * 3 + "c" * 12
    assert max(map(len, parts)) == 10


def test_an_empty_line_is_a_line():
    """Banners keep their shape."""
    assert Lines().feed(b"a\n\nb\n") == ["a", "", "b"]


def test_what_could_steer_a_terminal_is_made_harmless():
    """A log line can carry what an exchange sent."""
    (line,) = Lines().feed(b"\x1b[31mred\x1b[0m \x1b]0;title\x07 \xff caf\xc3\xa9\ttab\n")

    assert line == "red \\x1b]0;title\\x07 � café\ttab"


def test_each_line_has_its_time_and_its_aligned_name(pipe):
    """Columns are what makes ten processes readable."""
    writing, read = pipe
    out = printer(writing)

    out.line("ops", "hello")
    out.line("fetcher", "got it")
    out.close()

    lines = [re.sub(r"\d\d", "00", line) for line in read().splitlines()]
    assert lines == ["00:00:00 ops     | hello", "00:00:00 fetcher | got it"]


def test_colours_are_on_the_label_alone_and_only_where_wanted(pipe):
    """Text stays as the process wrote it."""
    writing, read = pipe
    out = printer(writing, colours=True)

    out.line("fetcher", "got it")
    out.close()

    assert re.fullmatch(r"\x1b\[\d+m\S+ fetcher \|\x1b\[0m got it\n", read())


def test_credentials_are_stars_but_for_the_one_showing(pipe):
    """A password in an address turns up in the oddest messages."""
    writing, read = pipe
    out = printer(writing)
    out.hide(["hunter2", "hunter22", ""])

    out.line("fetcher", "redis://:hunter22@host and hunter2")
    out.line("ops", "password hunter2", plain=True)
    out.close()

    first, second = read().splitlines()
    assert first.endswith("redis://:***@host and ***")
    assert second.endswith("password hunter2")


def test_a_reader_that_stops_reading_stops_nobody():
    """Holding a terminal with Ctrl-S must not hold the workers; what it cost is told afterwards."""
    reading, writing = os.pipe()
    out = printer(writing, longest_queue=50)
    for number in range(3000):
        out.line("fetcher", f"{number} " + "x" * 1000)
    shown = []

    with os.fdopen(reading) as stream:
        reader = threading.Thread(target=lambda: shown.extend(stream))
        reader.start()
        out.line("fetcher", "a last one, which may or may not find room")
        out.close(within_s=5)
        os.close(writing)
        reader.join()

    told = [int(line[1:].split()[0]) for line in shown if line.startswith("(")]
    assert sum(told) > 2000
    assert sum(told) + len(shown) - len(told) + out._dropped == 3001


def test_lines_that_were_dropped_are_told_of(pipe):
    """A gap in a log must be visible as one."""
    writing, read = pipe
    out = printer(writing)
    out._dropped = 7

    out.line("ops", "next")
    out.close()

    assert read().startswith("(7 lines were not shown")


def test_a_reader_that_is_gone_is_no_error():
    """`make up | head` goes on running."""
    reading, writing = os.pipe()
    os.close(reading)
    out = printer(writing)

    out.line("ops", "nobody hears")
    out.close()

    assert not out._thread.is_alive()
    os.close(writing)


@pytest.mark.parametrize(
    ("terminal", "environment", "wanted"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colours_are_for_terminals_whose_user_wants_them(monkeypatch, terminal, environment, wanted):
    """NO_COLOR counts when it is not empty, as its convention says."""
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stream = io.StringIO()
    stream.isatty = lambda: terminal

    assert wants_colours(stream) is wanted
