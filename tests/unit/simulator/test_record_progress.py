from __future__ import annotations

import io

import pytest

from simulator.record.command import main
from simulator.record.progress import Progress
from tests.support.recorder import BTC


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        """Whether lines can be drawn over."""
        return True


def test_on_a_terminal_one_line_moves():
    """At most ten times a second, and the end is always drawn."""
    screen, now = Screen(), [0.0]
    progress = Progress(stream=screen, clock=lambda: now[0])

    for done in range(101):
        progress.show("candles", done, 100, BTC)
        now[0] += 0.01
    progress.line("done")

    drawn = screen.getvalue().split("\r")[1:]
    assert 10 <= len(drawn) <= 12
    assert "[##############################] 100% BTC/USDT:USDT\ndone\n" in drawn[-1]


def test_elsewhere_each_tenth_gets_a_line():
    """A log file does not fill with bars."""
    stream = io.StringIO()
    progress = Progress(stream=stream, clock=lambda: 0.0)

    for done in range(101):
        progress.show("live", done, 100)

    assert stream.getvalue().splitlines() == [
        f"live: {tenth}0%" if tenth else "live: 0%" for tenth in range(11)
    ]


def test_the_command_explains_itself(capsys):
    """Every flag of it."""
    with pytest.raises(SystemExit):
        main(["--help"])

    said = capsys.readouterr().out
    assert all(
        flag in said for flag in ("--exchange", "--symbols", "--hours", "--live", "--every", "--patience")
    )
