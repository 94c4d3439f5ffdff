import time
from types import SimpleNamespace

import pytest

from ops.kept import KeptFiles

SAID = [
    "Bad file format reading the append only file appendonly.aof.2.incr.aof: make a backup of your AOF file",
    "Unknown command 'X' reading the append only file appendonly.aof.2.incr.aof",
    "Failure to obtain the AOF file appendonly.aof.2.base.rdb length. stat: No such file or directory",
    "Invalid AOF manifest file format",
    "Found an empty AOF manifest",
    "Can't handle RDB format version 80",
    "Internal error in RDB reading offset 0, function at rdb.c:3611 -> RDB CRC error",
]


@pytest.fixture
def files(tmp_path):
    """Files of Redis 6.2 and of 7 in one folder."""
    (tmp_path / "appendonlydir").mkdir()
    (tmp_path / "appendonlydir" / "appendonly.aof.manifest").write_text("file")
    (tmp_path / "appendonly.aof").write_text("old")
    return KeptFiles(tmp_path, "tidemark")


@pytest.mark.parametrize("line", SAID)
def test_files_that_the_server_could_not_read_are_put_aside_and_none_is_deleted(files, line):
    """Else the start would end at the same line for ever."""
    said = files.put_aside(["Server initialized", f"7:M 21 Nov 2026 19:00:45.894 # {line}", ""])

    names = sorted(path.name for path in files.folder.iterdir())
    assert all(name.startswith("unreadable-") for name in names)
    assert [name.partition("-appendonly")[2] for name in names] == [".aof", "dir"]
    assert all(str(files.folder / name) in said for name in names)


@pytest.mark.parametrize("lines", [[], ["Could not create server TCP listening socket: Address in use"]])
def test_an_end_for_another_reason_leaves_the_files(files, lines):
    """A server that was killed finds everything again."""
    assert files.put_aside(lines) is None
    assert (files.folder / "appendonly.aof").read_text() == "old"


def test_files_that_cannot_be_moved_are_told(tmp_path, files, monkeypatch):
    """The keeper goes on trying, and its operator knows why nothing helps."""

    def refuse(_path, _target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(tmp_path), "rename", refuse)

    said = files.put_aside(SAID[:1])

    assert said == f"redis cannot read what it kept, and {tmp_path} cannot be changed (Permission denied)"


@pytest.fixture
def aside(files):
    """What was put aside at four earlier times, as files and as folders, beside a note of the operator's."""
    for year in (2023, 2022, 2025, 2024):
        (files.folder / f"unreadable-{year}0101-000000-appendonly.aof").write_text("old")
        folder = files.folder / f"unreadable-{year}0101-000000-appendonlydir"
        folder.mkdir()
        (folder / "appendonly.aof.manifest").write_text("file")
    (files.folder / "unreadable-why.txt").write_text("the disk")
    return files.folder


def years(folder):
    """The years of what is put aside there, in order, one for each file or folder."""
    return sorted(path.name.split("-")[1][:4] for path in folder.glob("unreadable-*-appendonly*"))


def test_of_what_was_put_aside_the_newest_three_times_are_kept(files, aside):
    """With those of now: a disk that damages files is not filled up with them, and what goes is said."""
    said = files.put_aside(SAID[:1])

    gone = [
        f"unreadable-{year}0101-000000-appendonly{end}" for year in (2022, 2023) for end in (".aof", "dir")
    ]
    assert years(aside)[:4] == ["2024", "2024", "2025", "2025"]
    assert len(years(aside)) == 6
    assert said.endswith("; ".join(["", *(f"deleted {aside / name}, older than 3 others" for name in gone)]))
    assert (aside / "unreadable-why.txt").exists()


def test_what_is_put_aside_now_is_kept_by_a_clock_that_was_set_back(files, aside, monkeypatch):
    """It is the newest, whatever its name says."""
    then = SimpleNamespace(gmtime=lambda: time.gmtime(1_577_836_800), strftime=time.strftime)
    monkeypatch.setattr("ops.kept.time", then)

    files.put_aside(SAID[:1])

    assert years(aside) == ["2020", "2020", "2024", "2024", "2025", "2025"]


def test_a_file_that_cannot_be_deleted_is_told_and_the_others_go(files, aside, monkeypatch):
    """Neither the start nor the rest of the work waits for it."""

    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(aside), "unlink", refuse)

    said = files.put_aside(SAID[:1])

    assert f"{aside}/unreadable-20220101-000000-appendonly.aof cannot be deleted (Permission denied)" in said
    assert years(aside)[:4] == ["2022", "2023", "2024", "2024"]
