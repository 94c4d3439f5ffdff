import io
import signal
import sys

import pytest

from ops import child, guard


@pytest.fixture
def killed(monkeypatch):
    """Collect what would be killed; group 9 is gone already."""
    groups = []

    def kill(group, number):
        if group == 9:
            raise ProcessLookupError
        groups.append((group, number))

    monkeypatch.setattr(guard.os, "killpg", kill)
    monkeypatch.setattr(guard.signal, "signal", lambda *_: None)
    return groups


def test_the_groups_that_are_left_when_the_input_ends_are_killed(killed, monkeypatch):
    """The supervisor is gone then, and nobody else will do it."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("+ 7\n+ 8\n+ 9\n- 7\n"))

    guard.main()

    assert killed == [(8, signal.SIGKILL)]


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "exit code 0"), (3, "exit code 3"), (-9, "killed by SIGKILL"), (-99, "killed by signal 99")],
)
def test_an_end_is_told_in_words(code, words):
    """The number alone says little at night."""
    assert child.how_it_ended(code) == words
