from __future__ import annotations

import pytest

from simulator.record.folder import Folder
from simulator.record.numbers import plain
from simulator.record.refused import RecordRefused
from tests.support.recorder import WANTED, begun, new_folder, text


@pytest.fixture
def folder(tmp_path):
    """A folder with nothing in it yet."""
    with new_folder(tmp_path / "market") as opened:
        yield opened


@pytest.mark.parametrize(
    ("number", "expected"),
    [(1e-05, "0.00001"), (0.1, "0.1"), (100.0, "100"), (94038.2, "94038.2"), (12345678901, "12345678901"),
     (1.2e-13, "0"), (0.0, "0")],
)  # fmt: skip
def test_numbers_are_written_as_plain_decimals(number, expected):
    """The simulator reads no exponents and at most twelve decimals."""
    assert plain(number) == expected


def test_what_was_appended_counts_only_after_the_commit(tmp_path, folder):
    """The next process cuts off what the last one had not finished."""
    folder.append("a.csv.gz", ["one"], header="head")
    folder.commit()
    folder.append("a.csv.gz", ["two"], header="head")
    folder.close()

    again = Folder.opened(tmp_path / "market", WANTED, begin=begun)
    assert text(tmp_path / "market", "a.csv.gz") == "head\none\n"
    again.append("a.csv.gz", ["three"], header="head")
    again.commit()
    again.close()

    assert text(tmp_path / "market", "a.csv.gz") == "head\none\nthree\n"
    assert again.manifest.files == {"a.csv.gz": (tmp_path / "market" / "a.csv.gz").stat().st_size}


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda path: (path / "recording.json").write_text("{"), "cannot be understood"),
        (lambda path: (path / "a.csv.gz").write_bytes(b""), "has 0 bytes where"),
    ],
)
def test_a_folder_that_was_harmed_is_not_built_on(tmp_path, folder, harm, words):
    """A hole would pass for data."""
    folder.append("a.csv.gz", ["one"])
    folder.commit()
    folder.close()
    harm(tmp_path / "market")

    with pytest.raises(RecordRefused, match=words):
        Folder.opened(tmp_path / "market", WANTED, begin=begun)
