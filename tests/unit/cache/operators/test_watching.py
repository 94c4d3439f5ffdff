from __future__ import annotations

import io
import re
from types import SimpleNamespace

import pytest

from cache import Kind
from cache.entry import Change
from cache.operators import watching
from cache.operators.paper import Paper

SOURCE = Kind("source", ("name",), ttl=60)
KEYS = tuple(SOURCE.key(name=f"coin{at}") for at in range(9))


def line(width=None, count=9):
    """What is told of a change of so many keys at one in the morning."""
    out = io.StringIO()
    Paper(out).line(*watching.told(3600.5, Change(KEYS[:count], "put", 7), width))
    return out.getvalue()


@pytest.mark.parametrize(
    ("width", "count", "end"),
    [
        (None, 9, "source 9              source|coin0, source|coin1, source|coin2, ...\n"),
        (None, 2, "source 2              source|coin0, source|coin1\n"),
        (75, 9, "source 9              source|coin0, source|coin1, ...\n"),
        (10, 9, "source 9              source|coin0, ...\n"),
    ],
)
def test_a_change_is_one_line_that_fits_the_terminal(width, count, end):
    """The first keys are named as far as there is room, at least one."""
    assert line(width, count) == f"01:00:00.500  put     {end}"


def test_changes_that_come_faster_than_they_are_read_are_counted():
    """A slow terminal holds up nobody, and what it missed is told."""
    complaints: list[str] = []
    out = io.StringIO()
    desk = SimpleNamespace(clock=lambda: 0.0, paper=Paper(out), complain=complaints.append)
    watch = watching.Watch(desk, ())
    for version in range(watching.MOST_WAITING + 5):
        watch._hear(Change(KEYS[:1], "expire", version))

    watch._write_next()

    assert complaints == ["5 changes came too fast to be shown"]
    assert re.match(r"00:00:00\.000 +expire +source 1 +source\|coin0\n$", out.getvalue())
