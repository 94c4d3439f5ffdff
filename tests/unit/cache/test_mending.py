from __future__ import annotations

import pytest

from cache.mending import AT_THE_SAME_TIME_US, MOST_OWED, Mender

NOW = 1_700_000_000_000_000


class Near:
    """Remembers what it was to mark."""

    def __init__(self) -> None:
        self.marked = []

    def mark_below(self, versions, generation):
        """Remember it."""
        self.marked.append((dict(versions), generation))


@pytest.fixture
def near():
    """A Memcached that remembers what it was to mark."""
    return Near()


def test_what_is_owed_is_marked_once_below_its_highest_version(near):
    """A later debt of an older version lowers nothing."""
    mender = Mender()
    mender.owe(["a", "b"], 7)
    mender.owe(["a"], 5)

    mender.mend(near, 3)
    mender.mend(near, 3)

    assert near.marked == [({"a": 7, "b": 7}, 3)]


def test_an_overtaken_write_of_our_own_is_marked(near):
    """Another wrote it anew while we stored ours; a write long afterwards overtook nothing."""
    mender = Mender()
    mender.watch(["a", "b", "c"], NOW)

    mender.heard(["a", "stranger"], NOW + 1000)
    mender.heard(["b"], NOW + AT_THE_SAME_TIME_US + 1)
    mender.heard(["c"], NOW)
    mender.mend(near, 1)

    assert near.marked == [({"a": NOW + 1000}, 1)]


def test_more_than_can_be_remembered_is_told(near):
    """Then all that Memcached holds has to go."""
    mender = Mender()

    mender.owe([str(number) for number in range(MOST_OWED + 1)], 7)

    assert (mender.overflowed, len(mender)) == (True, 0)
    mender.mend(near, 1)
    assert near.marked == []
